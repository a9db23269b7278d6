"""An index for lists of appointments by their status alone, in the order of the lists: else a clinic's history is walked through.

It is made without stopping writers, and can be cut off and made again.
"""

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

INDEX = "ix_appointments_status"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON appointments (clinic_id, status, date, slot_number, id)")


def downgrade() -> None:
    op.execute(f"DROP INDEX {INDEX}")
