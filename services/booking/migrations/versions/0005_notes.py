"""What clients write to the changes of appointments, sealed. It is in no message, no log and no audit row."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

NOTES = """
CREATE TABLE notes (
    clinic_id uuid NOT NULL,
    command_id uuid NOT NULL,
    appointment_id uuid NOT NULL,
    note bytea NOT NULL,
    CONSTRAINT pk_notes PRIMARY KEY (clinic_id, command_id),
    CONSTRAINT fk_notes_clinic_id_appointment_id FOREIGN KEY (clinic_id, appointment_id) REFERENCES appointments (clinic_id, id)
)
"""
POLICY = "clinic_id = ANY ((SELECT NULLIF(current_setting('app.clinics', true), '')::uuid[])::uuid[])"


def row_security(table: str) -> list[str]:
    """The clinics' policy on a table of business data, enabled and forced."""
    return [
        f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
        f"ALTER TABLE {table} FORCE ROW LEVEL SECURITY",
        f"CREATE POLICY clinics_of_transaction ON {table} USING ({POLICY}) WITH CHECK ({POLICY})",
    ]


def upgrade() -> None:
    for statement in (NOTES, *row_security("notes")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE notes")
