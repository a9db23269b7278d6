"""Check-in, and the queue in front of a doctor, which is the queue's to tell."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.gateway.commands.command import Command, Kind, built
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import answer_command
from services.gateway.http.reading import read_command
from services.gateway.http.strict import StrictRoute
from services.gateway.openapi import appointments as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import QUEUE
from services.gateway.owners.forward import read
from services.gateway.schemas import CheckInIn
from shared.contracts.booking import CheckInPatient
from shared.contracts.problems import Code
from shared.contracts.queue import QueueEntryView, QueuePage
from shared.contracts.shapes import IsoDate
from shared.contracts.topics import APPOINTMENT_COMMANDS
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, canonical_hash

router = APIRouter(route_class=StrictRoute, prefix="/checkins", tags=["Check-in"])

CHECK_IN = Kind("create_checkin", CheckInPatient, APPOINTMENT_COMMANDS)

_CODES = (
    Code.UNKNOWN_APPOINTMENT, Code.WRONG_PATIENT, Code.NOT_TODAY, Code.CANCELLED, Code.EXPIRED, Code.ALREADY_CHECKED_IN,
    Code.NOT_CONFIRMED,
)  # fmt: skip


@router.post(
    "",
    operation_id="create_checkin",
    status_code=201,
    response_model=QueueEntryView,
    responses=doc.answers(201, shown.ENTRY, *doc.BODY_CODES, *_CODES, command=True),
    openapi_extra=doc.posts(CheckInIn, shown.CHECK_IN_BODY, command=True),
)
async def create_checkin(request: Request) -> Response:
    """Checks a patient in on the day of the appointment; answered with the position in the queue."""
    gateway = gateway_of(request)
    asked = await read_command(request, CheckInIn)
    body = asked.body
    resolve = built(lambda envelope: CheckInPatient(**envelope, appointment_id=body.appointment_id, patient_id=body.patient_id))
    command = Command.make(CHECK_IN, gateway.caller(request), asked.key, canonical_hash(body), gateway.clock.now(), resolve)
    return await answer_command(gateway, command, asked.preference)


@router.get(
    "/doctors/{doctor_id}/queue",
    operation_id="get_queue",
    response_model=QueuePage,
    responses=doc.answers(200, shown.QUEUE, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def get_queue(
    request: Request,
    doctor_id: UUID,
    date: IsoDate | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Reads a doctor's queue in order of position; without `date` today's, in the clinic's zone."""
    gateway = gateway_of(request)
    await gateway.require_doctor(request, doctor_id)
    day = date or gateway.local_now().date()
    return await read(request, QUEUE, f"/internal/queues/{doctor_id}", date=day, limit=limit, cursor=cursor)
