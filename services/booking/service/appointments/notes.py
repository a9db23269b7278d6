"""Notes: what a client writes to a change of an appointment. Booking stores it before the command that makes the change is sent.

A note is free text about a patient: sealed, and read in the history of its appointment only. Called by `routes/histories.py`.
"""

from uuid import UUID

from services.booking.identifiers import Cell, Codec
from services.booking.repository import notes
from services.booking.service.appointments.lists import read_appointment
from shared.contracts.appointments import NoteIn
from shared.infra.forms import parse
from shared.infra.unit import RegistryUnit

COLUMN = "note"


async def keep_note(
    unit: RegistryUnit, codec: Codec, clinic_id: UUID, appointment_id: UUID, command_id: UUID, data: object
) -> None:
    """Keeps the note of a command that is still to come. The first of a command stays: no repeat and no other body changes it.

    Raises `ProblemError` if the clinic has no such appointment.
    """
    form = parse(NoteIn, data)
    await read_appointment(unit, clinic_id, appointment_id)
    sealed = codec.seal(Cell(clinic_id, COLUMN, command_id), form.note)
    await notes.add(unit.connection, clinic_id, command_id, appointment_id, sealed)


def open_note(codec: Codec, clinic_id: UUID, command_id: UUID, sealed: bytes) -> str:
    """What the client wrote."""
    return codec.open(Cell(clinic_id, COLUMN, command_id), sealed)
