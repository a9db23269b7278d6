"""HTTP in, for the gateway only: doctors and their days. This service alone judges their bodies; refusals are problems."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import TypeVar
from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.domain import DayKey
from services.availability.service.days import Change, DaySet, clinic_settings, judged_day, read_day, set_day
from services.availability.service.doctors import CREATED, list_doctors, read_doctor, register_doctor
from shared.contracts.availability import DayView
from shared.contracts.directory import DoctorPage, DoctorView
from shared.infra.caller import ByCaller, Caller
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, read_json
from shared.infra.postgres import shielded
from shared.infra.runtime import Runtime
from shared.infra.unit import RegistryUnit

T = TypeVar("T")

router = APIRouter(prefix="/internal")


@router.post("/doctors", status_code=CREATED)
async def post_doctor(request: Request, response: Response, caller: ByCaller) -> DoctorView:
    """Registers a doctor."""
    data = await read_json(request)
    done = await _in_unit(request, caller, lambda unit: register_doctor(unit, caller, data))
    _mark(response, replayed=done.replayed)
    return done.doctor


@router.get("/doctors")
async def get_doctors(request: Request, caller: ByCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> DoctorPage:
    """Lists doctors in order of code."""
    after_code = decode_cursor(cursor, 1)[0] if cursor is not None else ""
    return await _in_unit(request, caller, lambda unit: list_doctors(unit, caller, limit=limit, after_code=after_code))


@router.get("/doctors/{doctor_id}")
async def get_doctor(request: Request, caller: ByCaller, doctor_id: UUID) -> DoctorView:
    """Reads a doctor."""
    return await _in_unit(request, caller, lambda unit: read_doctor(unit, caller, doctor_id))


@router.post("/doctors/{doctor_id}/availability")
async def post_availability(request: Request, response: Response, caller: ByCaller, doctor_id: UUID) -> DayView:
    """Opens, closes or resizes a day."""
    data = await read_json(request)
    clinic = await _in_unit(request, caller, lambda unit: clinic_settings(unit, caller.clinic_id))
    form = judged_day(data, clinic)
    change = Change(DayKey(caller.clinic_id, doctor_id, form.date), form, clinic)

    async def work(unit: RegistryUnit) -> DaySet:
        return await set_day(unit, caller, change)

    async with _runtime(request).locks.hold([change.key.lock_name]):
        done = await _in_unit(request, caller, work)
    response.status_code = done.status_code
    _mark(response, replayed=done.replayed)
    return done.day


@router.get("/doctors/{doctor_id}/availability")
async def get_availability(request: Request, caller: ByCaller, doctor_id: UUID, date: dt.date) -> DayView:
    """Reads a day; one without a record reads as the clinic's default."""
    return await _in_unit(request, caller, lambda unit: read_day(unit, DayKey(caller.clinic_id, doctor_id, date)))


async def _in_unit(request: Request, caller: Caller, use_case: Callable[[RegistryUnit], Awaitable[T]]) -> T:
    """Runs a use case in a transaction of the caller's clinic, to its end."""

    async def work() -> T:
        async with _runtime(request).units.registry(caller.clinic_id) as unit:
            return await use_case(unit)

    return await shielded(work())


def _mark(response: Response, *, replayed: bool) -> None:
    """Tells a stored answer from a new one."""
    if replayed:
        response.headers["Idempotent-Replayed"] = "true"


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime
