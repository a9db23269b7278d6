"""Appointments: the commands that book and cancel, and the reads, which are booking's."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.gateway.answer_headers import OF_COMMANDS
from services.gateway.answers import API, answer_command, without_body
from services.gateway.commands import Command, Kind
from services.gateway.documents import appointments as shown
from services.gateway.documents import operations as doc
from services.gateway.gateway import gateway_of
from services.gateway.owners import BOOKING
from services.gateway.passing import read
from services.gateway.reading import Asked, read_command
from services.gateway.routes.strict import StrictRoute
from services.gateway.schemas import BookingIn, CancelIn
from shared.contracts.booking import AppointmentPage, AppointmentView, BookAppointment, CancelAppointment, Status
from shared.contracts.problems import Code
from shared.contracts.registry import Day
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, canonical_hash

router = APIRouter(route_class=StrictRoute, tags=["Appointments"])

BOOK = Kind("create_appointment", BookAppointment, BOOKING_COMMANDS)
CANCEL = Kind("cancel_appointment", CancelAppointment, APPOINTMENT_COMMANDS)

_BOOK_CODES = (
    Code.UNKNOWN_DOCTOR, Code.UNKNOWN_PATIENT, Code.PAST_DATE, Code.TOO_FAR, Code.DOCTOR_ABSENT, Code.FULL, Code.PATIENT_BUSY,
)  # fmt: skip
_CANCEL_CODES = (*doc.BODY_CODES, Code.UNKNOWN_APPOINTMENT, Code.CHECKED_IN, Code.EXPIRED, Code.PAST)


@router.post(
    "/appointments",
    operation_id="create_appointment",
    status_code=201,
    response_model=AppointmentView,
    responses=doc.answers(201, shown.APPOINTMENT, *doc.BODY_CODES, *_BOOK_CODES, command=True, carries=["Location"]),
    openapi_extra=doc.posts(BookingIn, shown.BOOKING_BODY, command=True),
)
async def create_appointment(request: Request) -> Response:
    """Books the lowest free number of a doctor's day for a patient."""
    gateway = gateway_of(request)
    asked = await read_command(request, BookingIn)
    body = asked.body
    command = Command.make(
        BOOK, gateway.caller(request), asked.key, canonical_hash(body), gateway.clock.now(),
        ("doctor", body.doctor_id), ("patient", body.patient_id),
        doctor_id=body.doctor_id, patient_id=body.patient_id, date=body.date,
    )  # fmt: skip
    return await answer_command(gateway, command, asked.preference, f"{API}/appointments/{{id}}")


@router.get(
    "/appointments",
    operation_id="list_appointments",
    response_model=AppointmentPage,
    responses=doc.answers(200, shown.APPOINTMENTS, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_appointments(
    request: Request,
    patient_id: UUID | None = None,
    doctor_id: UUID | None = None,
    date: Day | None = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists appointments in order of date and number."""
    filters = {"patient_id": patient_id, "doctor_id": doctor_id, "date": date, "status": status}
    return await read(request, BOOKING, "/internal/appointments", **filters, limit=limit, cursor=cursor)


@router.get(
    "/appointments/{appointment_id}",
    operation_id="get_appointment",
    response_model=AppointmentView,
    responses=doc.answers(200, shown.APPOINTMENT, Code.VALIDATION_FAILED, Code.UNKNOWN_APPOINTMENT),
)
async def get_appointment(request: Request, appointment_id: UUID) -> Response:
    """Reads an appointment."""
    return await read(request, BOOKING, f"/internal/appointments/{appointment_id}")


@router.post(
    "/appointments/{appointment_id}/cancel",
    operation_id="cancel_appointment",
    response_model=AppointmentView,
    responses=doc.answers(200, shown.CANCELLED, *_CANCEL_CODES, command=True),
    openapi_extra=doc.posts(CancelIn, shown.CANCEL_BODY, required=False, command=True),
)
async def cancel_appointment(request: Request, appointment_id: UUID) -> Response:
    """Cancels an appointment; answered once its place is free."""
    return await _cancel(request, appointment_id, await read_command(request, CancelIn, required=False))


@router.delete(
    "/appointments/{appointment_id}",
    operation_id="delete_appointment",
    status_code=204,
    responses=doc.bare(204, "Cancelled", OF_COMMANDS) | doc.answers(202, shown.RUNNING, *_CANCEL_CODES, command=True),
    openapi_extra=doc.takes(doc.KEY, doc.PREFER),
)
async def delete_appointment(request: Request, appointment_id: UUID) -> Response:
    """Cancels an appointment, without a body; answered once its place is free."""
    return without_body(await _cancel(request, appointment_id, await read_command(request, CancelIn, required=False)))


async def _cancel(request: Request, appointment_id: UUID, asked: Asked[CancelIn]) -> Response:
    gateway = gateway_of(request)
    body_hash = canonical_hash(asked.body, appointment_id=appointment_id)
    command = Command.make(
        CANCEL, gateway.caller(request), asked.key, body_hash, gateway.clock.now(),
        appointment_id=appointment_id, reason=asked.body.reason,
    )  # fmt: skip
    return await answer_command(gateway, command, asked.preference)


@router.get(
    "/appointments/doctors/{doctor_id}/appointments",
    operation_id="list_doctor_appointments",
    response_model=AppointmentPage,
    responses=doc.answers(200, shown.APPOINTMENTS, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def list_doctor_appointments(
    request: Request,
    doctor_id: UUID,
    date: Day | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists a doctor's appointments, of all dates without `date`."""
    gateway = gateway_of(request)
    await gateway.require_doctor(request, doctor_id)
    return await read(request, BOOKING, "/internal/appointments", doctor_id=doctor_id, date=date, limit=limit, cursor=cursor)
