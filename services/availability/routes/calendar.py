"""A doctor's calendar: weekly schedule, exceptions, open slots, and which appointments still have a place."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from services.availability.routes.doctors import Tag, Text, id_or_text
from services.availability.service.calendar.exceptions import end_exception, list_exceptions, make_exception, read_exception
from services.availability.service.calendar.schedules import put_schedule, read_schedule
from services.availability.service.calendar.slot_generation import still_taken
from services.availability.service.slots.search import Search, list_slots
from shared.contracts.appointments import AppointmentLook
from shared.contracts.calendar import MAX_EARLIEST, ExceptionFound, ExceptionsFound, SchedulePut, ScheduleView, SlotPage
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, SomeLimit, etag, parse, read_json

router = APIRouter()
First = Annotated[dt.date | None, Query(alias="from")]
Earliest = Annotated[int | None, Query(ge=1, le=MAX_EARLIEST)]


@router.put("/doctors/{doctor_id}/schedule")
async def put_doctor_schedule(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> SchedulePut:
    """Sets a doctor's week."""
    data = await read_json(request)
    done = await in_unit(request, caller, lambda unit: put_schedule(unit, caller, doctor_id, data))
    response.headers["ETag"] = etag(done.version)
    return done


@router.get("/doctors/{doctor_id}/schedule")
async def get_doctor_schedule(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> ScheduleView:
    """Reads a doctor's week as it was written."""
    schedule = await in_unit(request, caller, lambda unit: read_schedule(unit, caller, doctor_id))
    response.headers["ETag"] = etag(schedule.version)
    return schedule


@router.post("/doctors/{doctor_id}/exceptions")
async def post_exception(
    request: Request, response: Response, caller: ByCaller, doctor_id: UUID, *, dry_run: bool = False
) -> ExceptionFound:
    """Closes dates or adds hours."""
    data = await read_json(request)
    done = await in_unit(request, caller, lambda unit: make_exception(unit, caller, doctor_id, data, dry_run=dry_run))
    response.status_code = done.status_code
    mark(response, replayed=done.replayed)
    return done.body


@router.get("/doctors/{doctor_id}/exceptions")
async def get_exceptions(
    request: Request, caller: ByCaller, doctor_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ExceptionsFound:
    """Lists a doctor's exceptions in order of date."""
    return await in_unit(request, caller, lambda unit: list_exceptions(unit, caller, doctor_id, limit=limit, cursor=cursor))


@router.get("/doctors/{doctor_id}/exceptions/{exception_id}")
async def get_exception(request: Request, caller: ByCaller, doctor_id: UUID, exception_id: UUID) -> ExceptionFound:
    """Reads an exception with what it displaces now."""
    return await in_unit(request, caller, lambda unit: read_exception(unit, caller, doctor_id, exception_id))


@router.delete("/doctors/{doctor_id}/exceptions/{exception_id}", status_code=204)
async def delete_exception(request: Request, caller: ByCaller, doctor_id: UUID, exception_id: UUID) -> None:
    """Ends an exception."""
    await in_unit(request, caller, lambda unit: end_exception(unit, caller, doctor_id, exception_id))


def _search(
    doctor_id: UUID | None = None,
    category: Text = None,
    location_id: UUID | None = None,
    language: Tag = None,
    from_: First = None,
    to: dt.date | None = None,
    earliest: Earliest = None,
    limit: SomeLimit = None,
    cursor: Cursor = None,
) -> Search:
    return Search(doctor_id, id_or_text(category), location_id, language, from_, to, earliest, limit, cursor)


@router.get("/slots")
async def get_slots(request: Request, caller: ByCaller, search: Annotated[Search, Depends(_search)]) -> SlotPage:
    """Searches open slots, in order of start."""
    return await in_unit(request, caller, lambda unit: list_slots(unit, caller, search))


@router.post("/appointments/taken")
async def post_taken(request: Request, caller: ByCaller) -> list[UUID]:
    """Which of these appointments have a place."""
    ids = parse(AppointmentLook, await read_json(request)).ids
    return await in_unit(request, caller, lambda unit: still_taken(unit, caller.clinic_id, ids))
