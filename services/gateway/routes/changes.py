"""The changes of an appointment: commands that confirm, move and cancel it, and the history of its changes."""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.commands import messages
from services.gateway.commands.kinds import CANCEL, CONFIRM, MOVE
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import answer_command, without_body
from services.gateway.http.reading import read_command
from services.gateway.http.strict import public_router
from services.gateway.openapi import appointments as shown
from services.gateway.openapi import operations as doc
from services.gateway.openapi.answer_headers import OF_COMMANDS
from services.gateway.owners.client import BOOKING
from services.gateway.owners.forward import read
from services.gateway.schemas import MOVE_FORMS, CancelIn, ConfirmIn, MoveIn
from shared.contracts.appointments import AppointmentView, History
from shared.contracts.problems import Code

router = public_router("Appointments", "/appointments")

_CONFIRM_CODES = (*doc.BODY_CODES, Code.UNKNOWN_APPOINTMENT, Code.CANCELLED, Code.EXPIRED, Code.PAST)
_MOVE_CODES = (
    *doc.BODY_CODES, Code.UNKNOWN_DOCTOR, Code.UNKNOWN_PATIENT, Code.UNKNOWN_APPOINTMENT, Code.NO_SUCH_SLOT, Code.PAST_DATE,
    Code.TOO_FAR, Code.TOO_SOON, Code.DOCTOR_ABSENT, Code.CANCELLED, Code.EXPIRED, Code.ALREADY_CHECKED_IN, Code.PAST,
    Code.PAST_CUTOFF, Code.FULL, Code.SLOT_TAKEN, Code.PATIENT_BUSY,
)  # fmt: skip
_CANCEL_CODES = (*doc.BODY_CODES, Code.UNKNOWN_APPOINTMENT, Code.CHECKED_IN, Code.EXPIRED, Code.PAST, Code.PAST_CUTOFF)


@router.post(
    "/{appointment_id}/confirm",
    operation_id=CONFIRM.operation,
    response_model=AppointmentView,
    responses=doc.answers(200, shown.CONFIRMED, *_CONFIRM_CODES, command=True),
    openapi_extra=doc.takes(doc.KEY, doc.PREFER),
)
async def confirm_appointment(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Confirms a held appointment before its time is over; one that is booked already is answered the same."""
    gateway = gateway_of(request)
    posted = await read_command(request, ConfirmIn, required=False)
    command = gateway.accept(CONFIRM, caller, posted, appointment_id=appointment_id)
    message = messages.confirmation(command, appointment_id)
    return await answer_command(gateway, command, message, posted.preference)


@router.post(
    "/{appointment_id}/reschedule",
    operation_id=MOVE.operation,
    response_model=AppointmentView,
    responses=doc.answers(200, shown.MOVED, *_MOVE_CODES, command=True),
    openapi_extra=doc.posts(MoveIn, doc.Forms(shown.MOVE_BODIES), command=True),
)
async def reschedule_appointment(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Moves an appointment to another day, slot or time, and to another doctor, if one is named; it stays the same appointment.

    The new place is taken first. Answered once the old one is free; if the move is refused, the old place stays its own.
    """
    gateway = gateway_of(request)
    posted = await read_command(request, *MOVE_FORMS)
    command = gateway.accept(MOVE, caller, posted, appointment_id=appointment_id)
    message = messages.move(gateway, command, appointment_id, posted.body)
    return await answer_command(gateway, command, message, posted.preference)


@router.get(
    "/{appointment_id}/history",
    operation_id="get_appointment_history",
    response_model=History,
    responses=doc.answers(200, shown.HISTORY, Code.VALIDATION_FAILED, Code.UNKNOWN_APPOINTMENT),
)
async def get_appointment_history(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Every change of an appointment, the first one first: what, when, by whom, and why."""
    return await read(request, caller, BOOKING, f"/internal/appointments/{appointment_id}/history")


@router.post(
    "/{appointment_id}/cancel",
    operation_id=CANCEL.operation,
    response_model=AppointmentView,
    responses=doc.answers(200, shown.CANCELLED, *_CANCEL_CODES, command=True),
    openapi_extra=doc.posts(CancelIn, shown.CANCEL_BODY, required=False, command=True),
)
async def cancel_appointment(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Cancels an appointment; answered once its place is free."""
    gateway = gateway_of(request)
    posted = await read_command(request, CancelIn, required=False)
    command = gateway.accept(CANCEL, caller, posted, appointment_id=appointment_id)
    message = messages.cancellation(gateway, command, appointment_id, posted.body)
    return await answer_command(gateway, command, message, posted.preference)


@router.delete(
    "/{appointment_id}",
    operation_id="delete_appointment",
    status_code=204,
    responses=doc.bare(204, "Cancelled", OF_COMMANDS) | doc.answers(202, shown.RUNNING, *_CANCEL_CODES, command=True),
    openapi_extra=doc.takes(doc.KEY, doc.PREFER),
)
async def delete_appointment(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Cancels an appointment, without a body; answered once its place is free."""
    return without_body(await cancel_appointment(request, caller, appointment_id))
