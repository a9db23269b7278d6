"""Doctors: registering, reading, searching, changing, deleting, importing."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from services.availability.domain.languages import parse_accept_language
from services.availability.repository.doctors.search import DoctorFilter
from services.availability.routes.common import LanguageTag, SearchText, id_or_text
from services.availability.service.doctors.change import change_doctor
from services.availability.service.doctors.import_ import import_doctors, judge_doctors
from services.availability.service.doctors.register import CREATED, read_doctor, register_doctor
from services.availability.service.doctors.remove import appointments_left, delete_doctor
from services.availability.service.doctors.search import DoctorSearch, find_doctors
from services.availability.service.doctors.views import Reader
from shared.contracts.directory import DoctorPage, DoctorPut, DoctorView
from shared.contracts.imports import ImportReport
from shared.contracts.internal import ROOT
from shared.contracts.shapes import Deleted
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, decode_cursor, read_json

router = APIRouter(prefix=ROOT)


def _reader(request: Request, response: Response, expand: Literal["translations"] | None = None) -> Reader:
    response.headers["Vary"] = "Accept-Language"
    header = ", ".join(request.headers.getlist("accept-language"))
    return Reader(parse_accept_language(header), translations=expand is not None)


ByReader = Annotated[Reader, Depends(_reader)]


def _filter(
    category: SearchText = None,
    price_range: SearchText = None,
    location: SearchText = None,
    language: LanguageTag = None,
    q: SearchText = None,
) -> DoctorFilter:
    return DoctorFilter(id_or_text(category), id_or_text(price_range), id_or_text(location), language, q and q.strip())


@router.post("/doctors", status_code=CREATED)
async def post_doctor(request: Request, response: Response, caller: ByCaller, reader: ByReader) -> DoctorView:
    """Registers a doctor."""
    data = await read_json(request)
    done = await in_unit(request, caller, register_doctor, caller, data, reader)
    mark(response, replayed=done.replayed)
    return tagged(response, done.body)


@router.get("/doctors")
async def get_doctors(
    request: Request,
    caller: ByCaller,
    reader: ByReader,
    wanted: Annotated[DoctorFilter, Depends(_filter)],
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> DoctorPage:
    """Lists active doctors in order of code."""
    search = DoctorSearch(wanted, limit, decode_cursor(cursor, 1)[0] if cursor is not None else "")
    return await in_unit(request, caller, find_doctors, caller, search, reader)


@router.post("/doctors/import")
async def post_import(request: Request, caller: ByCaller, dry_run: bool = False) -> ImportReport:
    """Imports some lines of a file."""
    judged = await judge_doctors(await read_json(request))
    return await in_unit(request, caller, import_doctors, caller, judged, dry_run=dry_run)


@router.get("/doctors/{doctor_id}")
async def get_doctor(request: Request, response: Response, caller: ByCaller, reader: ByReader, doctor_id: UUID) -> DoctorView:
    """Reads a doctor, a deleted one too."""
    return tagged(response, await in_unit(request, caller, read_doctor, caller, doctor_id, reader))


@router.patch("/doctors/{doctor_id}")
async def patch_doctor(request: Request, response: Response, caller: ByCaller, reader: ByReader, doctor_id: UUID) -> DoctorPut:
    """Changes a doctor."""
    data = await read_json(request)
    doctor = await in_unit(request, caller, change_doctor, caller, doctor_id, data, reader)
    return tagged(response, doctor)


@router.delete("/doctors/{doctor_id}")
async def remove_doctor(request: Request, caller: ByCaller, doctor_id: UUID, cancel_appointments: bool = False) -> Deleted:
    """Deletes a doctor; again: tells what is left of the appointments."""
    return await in_unit(request, caller, delete_doctor, caller, doctor_id, cancel_appointments=cancel_appointments)


@router.get("/doctors/{doctor_id}/left")
async def get_left(request: Request, caller: ByCaller, doctor_id: UUID) -> Deleted:
    """How many appointments of a deleted doctor are still to be cancelled."""
    return await in_unit(request, caller, appointments_left, caller, doctor_id)
