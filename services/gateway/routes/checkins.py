"""Check-in, which is a command, and the queue of a doctor's day, which the queue service answers."""

from uuid import UUID

from fastapi import Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.calendar.today import today_of
from services.gateway.commands import messages
from services.gateway.commands.kinds import CHECK_IN
from services.gateway.gateway import gateway_of
from services.gateway.http.answers import answer_command
from services.gateway.http.reading import read_command
from services.gateway.http.strict import public_router
from services.gateway.openapi import appointments as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import QUEUE
from services.gateway.owners.forward import read
from services.gateway.schemas import CheckInIn
from shared.contracts.problems import Code
from shared.contracts.queue import QueueEntryView, QueuePage
from shared.contracts.shapes import IsoDate
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = public_router("Check-in", "/checkins")

_CODES = (
    Code.UNKNOWN_APPOINTMENT, Code.WRONG_PATIENT, Code.NOT_TODAY, Code.CANCELLED, Code.EXPIRED, Code.ALREADY_CHECKED_IN,
    Code.NOT_CONFIRMED,
)  # fmt: skip


@router.post(
    "",
    operation_id=CHECK_IN.operation,
    status_code=201,
    response_model=QueueEntryView,
    responses=doc.answers(201, shown.ENTRY, *doc.BODY_CODES, *_CODES, command=True),
    openapi_extra=doc.posts(CheckInIn, shown.CHECK_IN_BODY, command=True),
)
async def create_checkin(request: Request, caller: ByApiCaller) -> Response:
    """Checks a patient in on the day of the appointment; answered with the position in the queue."""
    gateway = gateway_of(request)
    posted = await read_command(request, CheckInIn)
    command = gateway.accept(CHECK_IN, caller, posted)
    return await answer_command(gateway, command, messages.check_in(command, posted.body), posted.preference)


@router.get(
    "/doctors/{doctor_id}/queue",
    operation_id="get_queue",
    response_model=QueuePage,
    responses=doc.answers(200, shown.QUEUE, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=["Link"]),
)
async def get_queue(
    request: Request,
    caller: ByApiCaller,
    doctor_id: UUID,
    date: IsoDate | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Reads a doctor's queue in order of position; without `date` that of today where the doctor works."""
    gateway = gateway_of(request)
    await gateway.known.require(caller, ("doctor", doctor_id))
    day = date or await today_of(gateway.owners, caller, doctor_id)
    return await read(request, caller, QUEUE, f"/internal/queues/{doctor_id}", date=day, limit=limit, cursor=cursor)
