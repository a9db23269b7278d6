"""Doctors: registering, reading, listing."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.availability.routes.common import in_unit, mark
from services.availability.service.doctors import CREATED, list_doctors, read_doctor, register_doctor
from shared.contracts.directory import DoctorPage, DoctorView
from shared.infra.caller import ByCaller
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, read_json

router = APIRouter()


@router.post("/doctors", status_code=CREATED)
async def post_doctor(request: Request, response: Response, caller: ByCaller) -> DoctorView:
    """Registers a doctor."""
    data = await read_json(request)
    done = await in_unit(request, caller, lambda unit: register_doctor(unit, caller, data))
    mark(response, replayed=done.replayed)
    return done.doctor


@router.get("/doctors")
async def get_doctors(request: Request, caller: ByCaller, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> DoctorPage:
    """Lists doctors in order of code."""
    after_code = decode_cursor(cursor, 1)[0] if cursor is not None else ""
    return await in_unit(request, caller, lambda unit: list_doctors(unit, caller, limit=limit, after_code=after_code))


@router.get("/doctors/{doctor_id}")
async def get_doctor(request: Request, caller: ByCaller, doctor_id: UUID) -> DoctorView:
    """Reads a doctor."""
    return await in_unit(request, caller, lambda unit: read_doctor(unit, caller, doctor_id))
