"""Patients: registering and reading."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.booking.routes.common import codec, in_unit
from services.booking.service.patients import read_patient, register_patient
from shared.contracts.patients import PatientView
from shared.infra.caller import ByCaller
from shared.infra.forms import read_json

router = APIRouter()

OnDuplicate = Annotated[str | None, Query(pattern="^create$")]


@router.post("/patients")
async def post_patient(request: Request, response: Response, caller: ByCaller, on_duplicate: OnDuplicate = None) -> PatientView:
    """Registers a patient."""
    data, seals = await read_json(request), codec(request)
    create = on_duplicate is not None
    done = await in_unit(request, caller, lambda unit: register_patient(unit, seals, caller, data, create_duplicate=create))
    response.status_code = done.status_code
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return done.patient


@router.get("/patients/{patient_id}")
async def get_patient(request: Request, caller: ByCaller, patient_id: UUID) -> PatientView:
    """Reads a patient."""
    seals = codec(request)
    return await in_unit(request, caller, lambda unit: read_patient(unit, seals, caller, patient_id))
