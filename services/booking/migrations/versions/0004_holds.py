"""The timers of holds, and an index of what a patient holds.

The indexes are made without stopping writers. Each commits by itself: the migration can be cut off and run again.
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TIMERS = """
CREATE TABLE IF NOT EXISTS hold_timers (
    clinic_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    due_at timestamptz NOT NULL,
    CONSTRAINT pk_hold_timers PRIMARY KEY (clinic_id, appointment_id)
)
"""
INDEXES = {
    "ix_hold_timers_due_at": "INDEX CONCURRENTLY IF NOT EXISTS ix_hold_timers_due_at ON hold_timers (due_at)",
    # What a patient holds, whenever it is.
    "ix_appointments_held": "INDEX CONCURRENTLY IF NOT EXISTS ix_appointments_held"
    " ON appointments (clinic_id, patient_id) WHERE status = 'pending'",
}


def upgrade() -> None:
    op.execute(TIMERS)
    with op.get_context().autocommit_block():
        for name, index in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {index}")


def downgrade() -> None:
    op.execute("DROP INDEX ix_appointments_held")
    op.execute("DROP TABLE hold_timers")
