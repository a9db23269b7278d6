"""The audit trail, and the timers of reservations that booking has not acknowledged."""

from alembic import op

from shared.infra.tables import make_audit

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIMERS = """
CREATE TABLE unacknowledged (
    reservation_id uuid NOT NULL CONSTRAINT pk_unacknowledged PRIMARY KEY,
    clinic_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    questions integer NOT NULL DEFAULT 0,
    reserved bytea NOT NULL
)
"""


def upgrade() -> None:
    due = "CREATE INDEX ix_unacknowledged_due_at ON unacknowledged (due_at)"
    for statement in (TIMERS, due, *make_audit("availability_app")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE unacknowledged")
    op.execute("DROP TABLE audit")
    op.execute("DROP FUNCTION refuse_change_of_audit")
