"""Patients, who are booking's: every call is passed on to it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.gateway import documents as doc
from services.gateway.answer_headers import OF_REGISTRATIONS
from services.gateway.answers import API
from services.gateway.owners import BOOKING
from services.gateway.passing import read, register, registered
from services.gateway.routes.strict import StrictRoute
from shared.contracts.patients import PatientIn, PatientView
from shared.contracts.problems import Code

router = APIRouter(route_class=StrictRoute, tags=["Patients"])

OnDuplicate = Annotated[Literal["create"] | None, Query(description="Register also if another patient has the phone number")]


@router.post(
    "/patients",
    operation_id="create_patient",
    status_code=201,
    response_model=PatientView,
    responses=doc.answers(201, doc.PATIENT, *doc.BODY_CODES, Code.KEY_REUSED, Code.POSSIBLE_DUPLICATE, carries=doc.MADE)
    | doc.also(200, doc.PATIENT, "The same person is registered already", OF_REGISTRATIONS),
    openapi_extra=doc.posts(PatientIn, doc.PATIENT_BODY),
)
async def create_patient(request: Request, on_duplicate: OnDuplicate = None) -> Response:
    """Registers a patient; the same person (phone, name and date of birth agree) is answered with 200."""
    answer = await register(request, BOOKING, "/internal/patients", "create_patient", on_duplicate=on_duplicate)
    return await registered(request, answer, "patient", f"{API}/patients/{{id}}")


@router.get(
    "/patients/{patient_id}",
    operation_id="get_patient",
    response_model=PatientView,
    responses=doc.answers(200, doc.PATIENT, Code.VALIDATION_FAILED, Code.UNKNOWN_PATIENT),
)
async def get_patient(request: Request, patient_id: UUID) -> Response:
    """Reads a patient."""
    return await read(request, BOOKING, f"/internal/patients/{patient_id}")
