"""Appointments: the command that books or holds a place, and the reads, which are booking's."""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.commands import messages
from services.gateway.commands.kinds import BOOK
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import answer_command
from services.gateway.http.paths import API
from services.gateway.http.reading import read_command
from services.gateway.http.strict import public_router
from services.gateway.openapi import appointments as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import BOOKING
from services.gateway.owners.forward import read
from services.gateway.schemas import BOOKING_FORMS, BookingIn
from shared.contracts.appointments import AppointmentPage, AppointmentView, Status
from shared.contracts.problems import Code
from shared.contracts.shapes import IsoDate
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = public_router("Appointments")

_BOOK_CODES = (
    Code.UNKNOWN_DOCTOR, Code.UNKNOWN_PATIENT, Code.NO_SUCH_SLOT, Code.PAST_DATE, Code.TOO_FAR, Code.TOO_SOON, Code.DOCTOR_ABSENT,
    Code.FULL, Code.SLOT_TAKEN, Code.PATIENT_BUSY, Code.TOO_MANY_HOLDS,
)  # fmt: skip


@router.post(
    "/appointments",
    operation_id=BOOK.operation,
    status_code=201,
    response_model=AppointmentView,
    responses=doc.answers(201, shown.APPOINTMENT, *doc.BODY_CODES, *_BOOK_CODES, command=True, carries=["Location"]),
    openapi_extra=doc.posts(BookingIn, doc.Forms(shown.BOOKING_BODIES), command=True),
)
async def create_appointment(request: Request, caller: ByApiCaller) -> Response:
    """Books a place for a patient: any of a doctor's day, a slot by its id, or the slot of a doctor that begins then.

    Of a day it is the lowest free number, or on a timed day the earliest open slot. With `"confirm": false` the place is held:
    the appointment is `pending` until it is confirmed, or its `expires_at` is over.
    """
    gateway = gateway_of(request)
    posted = await read_command(request, *BOOKING_FORMS)
    command = gateway.accept(BOOK, caller, posted)
    message = messages.booking(gateway, command, posted.body)
    return await answer_command(gateway, command, message, posted.preference, f"{API}/appointments/{{id}}")


@router.get(
    "/appointments",
    operation_id="list_appointments",
    response_model=AppointmentPage,
    responses=doc.answers(200, shown.APPOINTMENTS, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_appointments(
    request: Request,
    caller: ByApiCaller,
    patient_id: UUID | None = None,
    doctor_id: UUID | None = None,
    date: IsoDate | None = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists appointments in order of date and number."""
    filters = {"patient_id": patient_id, "doctor_id": doctor_id, "date": date, "status": status}
    return await read(request, caller, BOOKING, "/internal/appointments", **filters, limit=limit, cursor=cursor)


@router.get(
    "/appointments/{appointment_id}",
    operation_id="get_appointment",
    response_model=AppointmentView,
    responses=doc.answers(200, shown.APPOINTMENT, Code.VALIDATION_FAILED, Code.UNKNOWN_APPOINTMENT),
)
async def get_appointment(request: Request, caller: ByApiCaller, appointment_id: UUID) -> Response:
    """Reads an appointment."""
    return await read(request, caller, BOOKING, f"/internal/appointments/{appointment_id}")


@router.get(
    "/appointments/doctors/{doctor_id}/appointments",
    operation_id="list_doctor_appointments",
    response_model=AppointmentPage,
    responses=doc.answers(200, shown.APPOINTMENTS, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def list_doctor_appointments(
    request: Request,
    caller: ByApiCaller,
    doctor_id: UUID,
    date: IsoDate | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists a doctor's appointments, of all dates without `date`."""
    await gateway_of(request).known.require(caller, ("doctor", doctor_id))
    filters = {"doctor_id": doctor_id, "date": date}
    return await read(request, caller, BOOKING, "/internal/appointments", **filters, limit=limit, cursor=cursor)
