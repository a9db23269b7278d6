"""The audit trail: the gateway changes clinics and their settings."""

from alembic import op

from shared.infra.tables import make_audit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in make_audit("gateway_app"):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION refuse_change_of_audit")
