"""Internal HTTP in: reads of queues. Called by the gateway, which has checked that the doctor is known."""

import datetime as dt
from uuid import UUID

from fastapi import APIRouter, Request

from services.queue import service
from services.queue.domain import QueueKey
from shared.contracts.internal import ROOT
from shared.contracts.queue import QueuePage
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, cursor_number, decode_cursor

router = APIRouter(prefix=ROOT)


@router.get("/queues/{doctor_id}", operation_id="get_queue")
async def get_queue(
    request: Request, caller: ByCaller, doctor_id: UUID, date: dt.date, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> QueuePage:
    """A page of a doctor's queue of a day, in order of position."""
    queue, after_position = QueueKey(caller.clinic_id, doctor_id, date), position_of(cursor)
    return await in_unit(request, caller, service.read_queue, queue, limit=limit, after_position=after_position)


def position_of(cursor: str | None) -> int:
    """The position behind which a page begins; 0 for the first page."""
    if cursor is None:
        return 0
    (position,) = decode_cursor(cursor, 1)
    return cursor_number(position)
