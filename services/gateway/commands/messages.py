"""The message of each command: what its client asks for, and what owners know beside it.

A route makes one of these coroutines, `submit.py` awaits it. Each raises a `ProblemError` if an id is unknown, or if an owner
refuses or does not answer: without its answer the key of the message is not known, so the command is not published.
"""

from uuid import UUID

from services.gateway.commands.command import ApiCommand
from services.gateway.commands.places import find_place
from services.gateway.gateway import Gateway
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import BOOKING
from services.gateway.schemas import BookingIn, CancelIn, CheckInIn, MoveIn
from shared.contracts.appointments import AppointmentView, NoteIn
from shared.contracts.booking import (
    BookAppointment,
    CancelAppointment,
    CheckInPatient,
    ConfirmAppointment,
    RescheduleAppointment,
)


async def booking(gateway: Gateway, command: ApiCommand, body: BookingIn) -> BookAppointment:
    """A booking, or a hold. Raises `unknown_doctor`, `unknown_patient`, `no_such_slot`, in this order."""
    named = (("doctor", body.doctor_id),) if body.doctor_id else ()
    await gateway.known.require(command.caller, *named, ("patient", body.patient_id))
    doctor_id, date, slot_id = await find_place(gateway.owners, command.caller, body, body.doctor_id)
    return BookAppointment(
        **command.envelope(), doctor_id=doctor_id, date=date, slot_id=slot_id, patient_id=body.patient_id, confirm=body.confirm
    )


async def move(gateway: Gateway, command: ApiCommand, appointment_id: UUID, body: MoveIn) -> RescheduleAppointment:
    """A move, which stays with the appointment's doctor unless the body names another.

    Raises `unknown_doctor`, `unknown_appointment`, `no_such_slot`, in this order.
    """
    if body.doctor_id:
        await gateway.known.require(command.caller, ("doctor", body.doctor_id))
    path = f"/internal/appointments/{appointment_id}"
    answer = await ask(gateway.owners, command.caller, BOOKING, "GET", path, on_failure=OnFailure.REFUSE_COMMAND)
    appointment = AppointmentView.model_validate_json(answer.content)
    place = await find_place(gateway.owners, command.caller, body, body.doctor_id or appointment.doctor_id)
    return RescheduleAppointment(
        **command.envelope(),
        doctor_id=place.doctor_id,
        date=place.date,
        slot_id=place.slot_id,
        appointment_id=appointment_id,
        patient_id=appointment.patient_id,
    )


async def confirmation(command: ApiCommand, appointment_id: UUID) -> ConfirmAppointment:
    """The confirmation of a hold, for which no owner is asked."""
    return ConfirmAppointment(**command.envelope(), appointment_id=appointment_id)


async def cancellation(gateway: Gateway, command: ApiCommand, appointment_id: UUID, body: CancelIn) -> CancelAppointment:
    """A cancellation. Its note is no part of the message: booking is given it here, before it reads the command."""
    if body.note:
        path = f"/internal/appointments/{appointment_id}/notes/{command.command_id}"
        note = NoteIn(note=body.note)
        await ask(gateway.owners, command.caller, BOOKING, "PUT", path, note, on_failure=OnFailure.REFUSE_COMMAND)
    return CancelAppointment(**command.envelope(), appointment_id=appointment_id, reason=body.reason)


async def check_in(command: ApiCommand, body: CheckInIn) -> CheckInPatient:
    """A check-in, for which no owner is asked."""
    return CheckInPatient(**command.envelope(), appointment_id=body.appointment_id, patient_id=body.patient_id)
