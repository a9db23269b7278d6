"""Indexes on tables with data, made without stopping their writers, and the constraints of 0003 validated.

Each index commits by itself: a migration that is cut off begins again, and drops what it left half made.

Revision ID: 0004
Revises: 0003
"""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXES = {
    "uq_doctors_clinic_id_external_id": "UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_doctors_clinic_id_external_id"
    " ON doctors (clinic_id, external_id) WHERE status = 'active'",
    "ix_doctors_clinic_id_category_id": "INDEX CONCURRENTLY IF NOT EXISTS ix_doctors_clinic_id_category_id"
    " ON doctors (clinic_id, category_id)",
    "ix_doctors_clinic_id_price_range_id": "INDEX CONCURRENTLY IF NOT EXISTS ix_doctors_clinic_id_price_range_id"
    " ON doctors (clinic_id, price_range_id)",
    # What a search looks through: the open slots of a doctor in order of start.
    "ix_slots_open": "INDEX CONCURRENTLY IF NOT EXISTS ix_slots_open ON slots (clinic_id, doctor_id, starts_at)"
    " WHERE state = 'free' AND published",
    "ix_slots_taken": "INDEX CONCURRENTLY IF NOT EXISTS ix_slots_taken ON slots (clinic_id, doctor_id, date)"
    " WHERE state = 'taken'",
}
CONSTRAINTS = (
    ("doctors", "fk_doctors_clinic_id_category_id"),
    ("doctors", "fk_doctors_clinic_id_price_range_id"),
    ("slots", "ck_slots_time_zone"),
)


def upgrade() -> None:
    for table, constraint in CONSTRAINTS:
        op.execute(f"ALTER TABLE {table} VALIDATE CONSTRAINT {constraint}")
    with op.get_context().autocommit_block():
        for name, index in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {index}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
