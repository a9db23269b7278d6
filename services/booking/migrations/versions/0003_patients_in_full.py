"""All that a clinic knows of a patient, sealed, and the indexes by which patients are found, listed and kept apart.

The indexes are made without stopping writers. Each commits by itself: the migration can be cut off and run again.
"""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SEALED = ("email", "nhs_number", "postcode", "address")
FOUND_BY = ("nhs_index", "external_index")

INDEXES = {
    "uq_patients_clinic_id_nhs_index": "UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_patients_clinic_id_nhs_index"
    " ON patients (clinic_id, nhs_index) WHERE status = 'active'",
    "uq_patients_clinic_id_external_index": "UNIQUE INDEX CONCURRENTLY IF NOT EXISTS uq_patients_clinic_id_external_index"
    " ON patients (clinic_id, external_index) WHERE status = 'active'",
    "ix_patients_clinic_id_name_key": "INDEX CONCURRENTLY IF NOT EXISTS ix_patients_clinic_id_name_key"
    " ON patients (clinic_id, name_key, id) WHERE status = 'active'",
    # Of a survivor: who was merged into it.
    "ix_patients_clinic_id_merged_into": "INDEX CONCURRENTLY IF NOT EXISTS ix_patients_clinic_id_merged_into"
    " ON patients (clinic_id, merged_into) WHERE merged_into IS NOT NULL",
}


def upgrade() -> None:
    op.execute("ALTER TABLE patients " + ", ".join(f"ADD COLUMN IF NOT EXISTS {name} bytea" for name in (*SEALED, *FOUND_BY)))
    with op.get_context().autocommit_block():
        for name, index in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE {index}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX IF EXISTS {name}")
    op.execute("ALTER TABLE patients " + ", ".join(f"DROP COLUMN {name}" for name in (*SEALED, *FOUND_BY)))
