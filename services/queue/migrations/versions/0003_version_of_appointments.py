"""The version of its appointment that an entry follows: an older event that comes again changes nothing.

Entries that are there follow from the next event on.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE entries ADD COLUMN appointment_version bigint NOT NULL DEFAULT 0")


def downgrade() -> None:
    op.execute("ALTER TABLE entries DROP COLUMN appointment_version")
