"""A doctor's calendar: weekly schedule and exceptions."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.service.calendar.exceptions import end_exception, list_exceptions, make_exception, read_exception
from services.availability.service.calendar.schedules import put_schedule, read_schedule
from shared.contracts.calendar import ExceptionFound, ExceptionsFound, SchedulePut, ScheduleView
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, read_json

router = APIRouter(prefix=ROOT)


@router.put("/doctors/{doctor_id}/schedule")
async def put_doctor_schedule(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> SchedulePut:
    """Sets a doctor's week."""
    data = await read_json(request)
    return tagged(response, await in_unit(request, caller, put_schedule, caller, doctor_id, data))


@router.get("/doctors/{doctor_id}/schedule")
async def get_doctor_schedule(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> ScheduleView:
    """Reads a doctor's week as it was written."""
    return tagged(response, await in_unit(request, caller, read_schedule, caller, doctor_id))


@router.post("/doctors/{doctor_id}/exceptions")
async def post_exception(
    request: Request, response: Response, caller: ByCaller, doctor_id: UUID, *, dry_run: bool = False
) -> ExceptionFound:
    """Closes dates or adds hours."""
    data = await read_json(request)
    done = await in_unit(request, caller, make_exception, caller, doctor_id, data, dry_run=dry_run)
    response.status_code = done.status_code
    mark(response, replayed=done.replayed)
    return done.body


@router.get("/doctors/{doctor_id}/exceptions")
async def get_exceptions(
    request: Request, caller: ByCaller, doctor_id: UUID, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None
) -> ExceptionsFound:
    """Lists a doctor's exceptions in order of date."""
    return await in_unit(request, caller, list_exceptions, caller, doctor_id, limit=limit, cursor=cursor)


@router.get("/doctors/{doctor_id}/exceptions/{exception_id}")
async def get_exception(request: Request, caller: ByCaller, doctor_id: UUID, exception_id: UUID) -> ExceptionFound:
    """Reads an exception with what it displaces now."""
    return await in_unit(request, caller, read_exception, caller, doctor_id, exception_id)


@router.delete("/doctors/{doctor_id}/exceptions/{exception_id}", status_code=204)
async def delete_exception(request: Request, caller: ByCaller, doctor_id: UUID, exception_id: UUID) -> None:
    """Ends an exception."""
    await in_unit(request, caller, end_exception, caller, doctor_id, exception_id)
