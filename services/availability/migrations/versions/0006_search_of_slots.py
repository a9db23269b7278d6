"""What a search for open slots walks: those of a doctor, and those of a clinic, both in the order of the answer.

They take the place of `ix_slots_open`, which had numbers without times too and so was written with every day that was made. Each
index commits by itself: a migration that is cut off begins again, and drops what it left half made.

Revision ID: 0006
Revises: 0005
"""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

OPEN = "state = 'free' AND published AND starts_at IS NOT NULL"
INDEXES = {
    "ix_slots_open_of_doctor": f"slots (clinic_id, doctor_id, starts_at, id) WHERE {OPEN}",
    "ix_slots_open_of_clinic": f"slots (clinic_id, starts_at, doctor_id, id) WHERE {OPEN}",
}
BEFORE = {"ix_slots_open": "slots (clinic_id, doctor_id, starts_at) WHERE state = 'free' AND published"}


def upgrade() -> None:
    replace(BEFORE, INDEXES)


def downgrade() -> None:
    replace(INDEXES, BEFORE)


def replace(old: dict[str, str], new: dict[str, str]) -> None:
    """Makes the new indexes before the old ones go: a search that runs meanwhile has one."""
    with op.get_context().autocommit_block():
        for name, index in new.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {index}")
        for name in old:
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
