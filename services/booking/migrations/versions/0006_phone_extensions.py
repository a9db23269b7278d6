"""The extension of a patient's phone, sealed, and the index by which it is found and told from others."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

COLUMNS = ("phone_extension", "extension_index")


def upgrade() -> None:
    op.execute("ALTER TABLE patients " + ", ".join(f"ADD COLUMN IF NOT EXISTS {name} bytea" for name in COLUMNS))


def downgrade() -> None:
    op.execute("ALTER TABLE patients " + ", ".join(f"DROP COLUMN {name}" for name in COLUMNS))
