"""Internal HTTP in: reads of queues. Called by the gateway, which has checked that the doctor is known."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Request

from services.queue import service
from shared.contracts.queue import QueuePage
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, cursor_number, decode_cursor
from shared.infra.postgres import shielded
from shared.infra.runtime import Runtime

router = APIRouter(prefix="/internal")

ClinicId = Annotated[UUID, Header(alias="Frontdesk-Clinic")]


@router.get("/queues/{doctor_id}", operation_id="get_queue")
async def get_queue(
    request: Request, clinic_id: ClinicId, doctor_id: UUID, date: dt.date, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> QueuePage:
    """A page of a doctor's queue of a day, in order of position."""
    runtime: Runtime = request.app.state.runtime
    after_position = position_of(cursor)

    async def read() -> QueuePage:
        async with runtime.units.registry(clinic_id) as unit:
            return await service.read_queue(unit, clinic_id, doctor_id, date, limit=limit, after_position=after_position)

    return await shielded(read())


def position_of(cursor: str | None) -> int:
    """The position behind which a page begins; 0 for the first page."""
    if cursor is None:
        return 0
    (position,) = decode_cursor(cursor, 1)
    return cursor_number(position)
