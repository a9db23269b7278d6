"""When a note was written, and whether it is known to be one of a change: what is not goes by its own age.

Notes that are there count as written now. The clinics of notes are added to those that have something old. The index is made
without stopping writers. Row security hides all rows from the owner of the table, who gets a policy of its own meanwhile.
"""

from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = (
    "ALTER TABLE notes ADD COLUMN IF NOT EXISTS added_at timestamptz NOT NULL DEFAULT now()",
    "ALTER TABLE notes ADD COLUMN IF NOT EXISTS of_change boolean NOT NULL DEFAULT false",
)
INDEX = "ix_notes_added_at"
POLICY = "owner_adds_clinics"
FILL = "INSERT INTO clinics_with_outcomes (clinic_id) SELECT DISTINCT clinic_id FROM notes ON CONFLICT DO NOTHING"


def upgrade() -> None:
    for statement in COLUMNS:
        op.execute(statement)
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON notes (added_at) WHERE NOT of_change")
        op.execute(f"DROP POLICY IF EXISTS {POLICY} ON notes")
        op.execute(f"CREATE POLICY {POLICY} ON notes FOR SELECT TO CURRENT_USER USING (true)")
        op.execute(FILL)
        op.execute(f"DROP POLICY {POLICY} ON notes")


def downgrade() -> None:
    op.execute(f"DROP INDEX {INDEX}")
    op.execute("ALTER TABLE notes DROP COLUMN of_change")
    op.execute("ALTER TABLE notes DROP COLUMN added_at")
