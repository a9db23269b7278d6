"""Notes: what a client writes to a change of an appointment. Booking has it before the command that makes the change is sent.

A note is free text about a patient: sealed, and read in the history of its appointment only. Called by `routes/histories.py`.
"""

from uuid import UUID

from services.booking.identifiers import Codec, Place
from services.booking.repository import appointments, notes
from shared.contracts.appointments import NoteIn
from shared.contracts.problems import Code
from shared.infra.forms import parse
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

COLUMN = "note"


async def keep_note(
    unit: RegistryUnit, codec: Codec, clinic_id: UUID, appointment_id: UUID, command_id: UUID, data: object
) -> None:
    """Keeps the note of a command that is still to come. The first of a command stays: no repeat and no other body changes it."""
    form = parse(NoteIn, data)
    if await appointments.get(unit.sql, clinic_id, appointment_id) is None:
        raise ProblemError(Code.UNKNOWN_APPOINTMENT)
    sealed = codec.seal(Place(clinic_id, COLUMN, command_id), form.note)
    await notes.add(unit.connection, clinic_id, command_id, appointment_id, sealed)


def opened(codec: Codec, clinic_id: UUID, command_id: UUID, sealed: bytes) -> str:
    """What the client wrote."""
    return codec.open(Place(clinic_id, COLUMN, command_id), sealed)
