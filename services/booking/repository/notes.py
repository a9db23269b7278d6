"""The table `notes`: what clients wrote to changes of appointments, sealed, by the command that makes the change."""

from uuid import UUID

from shared.infra.postgres import Connection
from shared.infra.retention import OLD_OUTCOMES

# A command that is decided already comes as a repeat, or as another request under its key: this note belongs to no change.
ADD = """
INSERT INTO notes (clinic_id, command_id, appointment_id, note)
SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM outcomes WHERE clinic_id = $1 AND command_id = $2)
ON CONFLICT DO NOTHING
"""
# A command that was refused, or changed nothing, has no audit row of its appointment: nobody can read its note.
OLD_OUTCOMES_AND_NOTES = f"""
WITH gone AS ({OLD_OUTCOMES}), unseen AS (
    DELETE FROM notes USING gone WHERE notes.clinic_id = gone.clinic_id AND notes.command_id = gone.command_id AND NOT EXISTS
        (SELECT FROM audit WHERE audit.clinic_id = notes.clinic_id AND audit.command_id = notes.command_id
                                 AND audit.subject_id = notes.appointment_id)
)
SELECT clinic_id FROM gone
"""


async def add(connection: Connection, clinic_id: UUID, command_id: UUID, appointment_id: UUID, note: bytes) -> None:
    """Keeps the note of a command that is not decided; the first one of a command stays."""
    await connection.execute(ADD, clinic_id, command_id, appointment_id, note)
