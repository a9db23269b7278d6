"""The index that finds which slots an appointment has, made without stopping those who take and free them.

It commits by itself: a migration that is cut off begins again, and drops what it left half made.

Revision ID: 0005
Revises: 0004
"""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

INDEX = "ix_slots_clinic_id_appointment_id"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON slots (clinic_id, appointment_id) WHERE state = 'taken'")


def downgrade() -> None:
    op.execute(f"DROP INDEX {INDEX}")
