"""What owners are asked before a command is published: where its slot is, whom it moves, and to keep its note.

Nothing is remembered: a slot that was found a moment ago may be another doctor's now. An owner that does not answer means that
the command is not accepted, for without the answer its key is not known. Called through `Command.resolve`.
"""

import asyncio
import datetime as dt
from typing import NamedTuple
from uuid import UUID

import httpx2

from services.gateway.commands.command import Build, Command
from services.gateway.owners.client import AVAILABILITY, BOOKING, Owners, retry_after
from services.gateway.schemas import BookingIn, MoveIn, OfDay, OfSlot, OfStart
from shared.contracts.appointments import AppointmentView, NoteIn
from shared.contracts.booking import BookAppointment, RescheduleAppointment
from shared.contracts.calendar import SlotPlace, SlotQuestion
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

ASK_SECONDS = 3.0


class Place(NamedTuple):
    """A doctor's day and, if one is asked for, a slot of it."""

    doctor_id: UUID
    date: dt.date
    slot_id: UUID | None


async def find_place(owners: Owners, command: Command, body: BookingIn) -> Build:
    """Where a booking is for. Raises the problem `no_such_slot`, or `unknown_doctor`."""
    doctor_id, date, slot_id = await _place(owners, command, body, body.doctor_id)
    return lambda envelope: BookAppointment(
        **envelope, doctor_id=doctor_id, date=date, slot_id=slot_id, patient_id=body.patient_id, confirm=body.confirm
    )


async def find_move(owners: Owners, command: Command, appointment_id: UUID, body: MoveIn) -> Build:
    """Whom a move is for, and where to; the doctor stays who it is unless the body says another."""
    path = f"/internal/appointments/{appointment_id}"
    appointment = AppointmentView.model_validate_json(await _ask(owners, command, BOOKING, "GET", path))
    doctor_id, date, slot_id = await _place(owners, command, body, body.doctor_id or appointment.doctor_id)
    return lambda envelope: RescheduleAppointment(
        **envelope,
        doctor_id=doctor_id,
        date=date,
        slot_id=slot_id,
        appointment_id=appointment_id,
        patient_id=appointment.patient_id,
    )


async def keep_note(owners: Owners, command: Command, appointment_id: UUID, note: str) -> None:
    """Hands a note to booking, which has it before it hears of the command. The message says nothing of it."""
    path = f"/internal/appointments/{appointment_id}/notes/{command.command_id}"
    await _ask(owners, command, BOOKING, "PUT", path, NoteIn(note=note).model_dump_json())


async def _place(owners: Owners, command: Command, place: OfDay | OfSlot | OfStart, doctor_id: UUID | None) -> Place:
    if isinstance(place, OfDay):
        assert doctor_id is not None  # of a day the form asks for a doctor, and an appointment has one
        return Place(doctor_id, place.date, None)
    asked = _question(place, doctor_id).model_dump_json(exclude_none=True)
    found = SlotPlace.model_validate_json(await _ask(owners, command, AVAILABILITY, "POST", "/internal/slots/resolve", asked))
    return Place(found.doctor_id, found.date, found.slot_id)


def _question(place: OfSlot | OfStart, doctor_id: UUID | None) -> SlotQuestion:
    if isinstance(place, OfSlot):
        return SlotQuestion(slot_id=place.slot_id)
    return SlotQuestion(doctor_id=doctor_id, starts_at=place.starts_at, location_id=place.location_id)


async def _ask(owners: Owners, command: Command, owner: str, method: str, path: str, content: str | None = None) -> bytes:
    """The owner's answer, or its refusal raised."""
    try:
        async with asyncio.timeout(ASK_SECONDS):
            answer = await owners.call(owner, method, path, command.caller, content=content.encode() if content else None)
    except (ProblemError, TimeoutError):
        raise _not_accepted() from None
    if answer.is_success:
        return answer.content
    if answer.status_code >= httpx2.codes.INTERNAL_SERVER_ERROR:
        raise _not_accepted()
    raise ProblemError(Code(answer.json()["code"]))


def _not_accepted() -> ProblemError:
    return ProblemError(Code.NOT_ACCEPTED, headers=retry_after())
