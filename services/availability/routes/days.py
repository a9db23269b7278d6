"""Days: opening, closing, resizing, reading."""

import datetime as dt
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.domain.days import DayKey
from services.availability.service.calendar.days import DayChange, parse_day, read_day, read_today, set_day
from shared.contracts.availability import DayView
from shared.contracts.calendar import DayPut, DoctorToday
from shared.contracts.internal import ROOT
from shared.infra import clinic_settings
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, runtime
from shared.infra.forms import read_json

router = APIRouter(prefix=ROOT)


@router.post("/doctors/{doctor_id}/availability")
async def post_availability(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DayPut:
    """Opens, closes or resizes a day."""
    data = await read_json(request)
    clinic = await in_unit(request, caller, lambda unit: clinic_settings.of(unit.connection, caller.clinic_id))
    form = parse_day(data, clinic)
    change = DayChange(DayKey(caller.clinic_id, doctor_id, form.date), form, clinic)

    async with runtime(request).locks.hold([change.key.lock_name]):
        done = await in_unit(request, caller, set_day, caller, change)
    response.status_code = done.status_code
    mark(response, replayed=done.replayed)
    return done.body


@router.get("/doctors/{doctor_id}/availability")
async def get_availability(request: Request, caller: ByCaller, doctor_id: UUID, date: dt.date) -> DayView:
    """Reads a day; one without a record reads as the clinic's default."""
    return await in_unit(request, caller, read_day, DayKey(caller.clinic_id, doctor_id, date))


@router.get("/doctors/{doctor_id}/today")
async def get_today(request: Request, caller: ByCaller, doctor_id: UUID) -> DoctorToday:
    """Says which date it is for a doctor."""
    return await in_unit(request, caller, read_today, caller.clinic_id, doctor_id)
