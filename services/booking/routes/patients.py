"""Patients: registering, importing, searching, reading, changing."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.booking.routes.common import codec_of
from services.booking.service.patients.change import change_patient
from services.booking.service.patients.details import form_rules
from services.booking.service.patients.import_ import import_patients, judge_lines
from services.booking.service.patients.register import read_patient, register_patient
from services.booking.service.patients.search import find_patients, page_start
from shared.contracts.imports import ImportReport
from shared.contracts.internal import ROOT
from shared.contracts.patients import PatientPage, PatientView
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit, mark, tagged
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, read_json

router = APIRouter(prefix=ROOT)

OnDuplicate = Annotated[str | None, Query(pattern="^create$")]
Text = Annotated[str | None, Query(max_length=200)]


@router.post("/patients")
async def post_patient(request: Request, response: Response, caller: ByCaller, on_duplicate: OnDuplicate = None) -> PatientView:
    """Registers a patient."""
    data, codec = await read_json(request), codec_of(request)
    create = on_duplicate is not None
    done = await in_unit(request, caller, register_patient, codec, caller, data, create_duplicate=create)
    response.status_code = done.status_code
    mark(response, replayed=done.replayed)
    return tagged(response, done.body)


@router.get("/patients")
async def get_patients(
    request: Request,
    caller: ByCaller,
    phone: Text = None,
    nhs_number: Text = None,
    name: Text = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> PatientPage:
    """Lists active patients in order of name, or finds those that match all filters."""
    filters = {"phone": phone, "nhs_number": nhs_number, "name": name}
    sent = {field: value for field, value in filters.items() if value is not None}
    codec, after = codec_of(request), page_start(cursor)
    return await in_unit(request, caller, find_patients, codec, caller, sent, limit, after)


@router.post("/patients/import")
async def post_import(
    request: Request, caller: ByCaller, dry_run: bool = False, on_duplicate: Literal["reject", "create"] = "reject"
) -> ImportReport:
    """Imports some lines of a file."""
    data, codec = await read_json(request), codec_of(request)
    create = on_duplicate == "create"
    rules = await in_unit(request, caller, form_rules, caller.clinic_id)
    lines = await judge_lines(codec, caller, data, rules)
    return await in_unit(request, caller, import_patients, codec, caller, lines, dry_run=dry_run, create_duplicate=create)


@router.get("/patients/{patient_id}")
async def get_patient(request: Request, response: Response, caller: ByCaller, patient_id: UUID) -> PatientView:
    """Reads a patient, a deleted one too."""
    codec = codec_of(request)
    return tagged(response, await in_unit(request, caller, read_patient, codec, caller, patient_id))


@router.patch("/patients/{patient_id}")
async def patch_patient(
    request: Request, response: Response, caller: ByCaller, patient_id: UUID, on_duplicate: OnDuplicate = None
) -> PatientView:
    """Changes a patient."""
    data, codec = await read_json(request), codec_of(request)
    create = on_duplicate is not None
    changed = await in_unit(request, caller, change_patient, codec, caller, patient_id, data, create_duplicate=create)
    return tagged(response, changed)
