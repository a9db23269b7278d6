"""The table `notes`: what clients wrote to changes of appointments, sealed, by the command that makes the change."""

from uuid import UUID

from shared.infra.postgres import Connection

# A command that is decided already comes as a repeat, or as another request under its key: this note belongs to no change.
ADD = """
INSERT INTO notes (clinic_id, command_id, appointment_id, note)
SELECT $1, $2, $3, $4 WHERE NOT EXISTS (SELECT FROM outcomes WHERE clinic_id = $1 AND command_id = $2)
ON CONFLICT DO NOTHING
"""
# A command that was refused, changed nothing or never arrived has no audit row of its appointment: nobody can read its note. At
# this age each command has ended. What is known to be of a change is not looked at again.
OLD_NOTES = """
WITH old AS (
    SELECT clinic_id, command_id, EXISTS (
        SELECT FROM audit WHERE audit.clinic_id = notes.clinic_id AND audit.command_id = notes.command_id
                            AND audit.subject_id = notes.appointment_id) AS of_change
    FROM notes WHERE NOT of_change AND added_at < now() - make_interval(days => $1) ORDER BY added_at LIMIT $2
), unseen AS (
    DELETE FROM notes USING old
    WHERE notes.clinic_id = old.clinic_id AND notes.command_id = old.command_id AND NOT old.of_change
), seen AS (
    UPDATE notes SET of_change = true FROM old
    WHERE notes.clinic_id = old.clinic_id AND notes.command_id = old.command_id AND old.of_change
)
SELECT clinic_id FROM old
"""


async def add(connection: Connection, clinic_id: UUID, command_id: UUID, appointment_id: UUID, note: bytes) -> None:
    """Keeps the note of a command that is not decided; the first one of a command stays."""
    await connection.execute(ADD, clinic_id, command_id, appointment_id, note)
