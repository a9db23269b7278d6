"""What clients write to the changes of appointments, sealed. It is in no message, no log and no audit row."""

from alembic import op

from shared.infra.tables import row_security

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


def upgrade() -> None:
    for statement in (NOTES, *row_security("notes")):
        op.execute(statement)


def downgrade() -> None:
    op.execute("DROP TABLE notes")
