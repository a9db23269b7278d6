"""A doctor's code is unique whatever its case: `DR-001` and `dr-001` are one. The index also gives lists their order.

All codes of before are in lower case, so none clashes. The index is made without stopping writers, before the constraint goes.

Revision ID: 0007
Revises: 0006
"""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

CONSTRAINT, INDEX = "uq_doctors_clinic_id_code", "uq_doctors_clinic_id_code_key"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS {INDEX} ON doctors (clinic_id, lower(code))")
    op.execute(f"ALTER TABLE doctors DROP CONSTRAINT IF EXISTS {CONSTRAINT}")


def downgrade() -> None:
    op.execute(f"ALTER TABLE doctors ADD CONSTRAINT {CONSTRAINT} UNIQUE (clinic_id, code)")
    op.execute(f"DROP INDEX {INDEX}")
