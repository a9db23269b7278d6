"""Patients, who are booking's: every call is forwarded to it."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.gateway import gateway_of
from services.gateway.http.parameters import CancelAppointments, FilterText
from services.gateway.http.paths import API
from services.gateway.http.strict import public_router
from services.gateway.openapi import operations as doc
from services.gateway.openapi import patients as shown
from services.gateway.openapi.answer_headers import OF_REGISTRATIONS
from services.gateway.owners.client import BOOKING
from services.gateway.owners.forward import answer_of, call, emptied, read, register, registered
from shared.contracts.patients import MergeIn, PatientIn, PatientPage, PatientPatch, PatientView
from shared.contracts.problems import Code
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = public_router("Patients")

DuplicatePolicy = Annotated[Literal["create"] | None, Query(description="Also if another patient has the phone number")]

_DUPLICATES = (Code.POSSIBLE_DUPLICATE, Code.NHS_NUMBER_TAKEN)


@router.post(
    "/patients",
    operation_id="create_patient",
    status_code=201,
    response_model=PatientView,
    responses=doc.answers(
        201, shown.PATIENT, *doc.BODY_CODES, Code.KEY_REUSED, *_DUPLICATES, carries=(*doc.MADE, *doc.ENTITY)
    )
    | doc.also(200, shown.PATIENT, "The same person is registered already", (*OF_REGISTRATIONS, *doc.ENTITY)),
    openapi_extra=doc.posts(PatientIn, shown.BODY),
)  # fmt: skip
async def create_patient(request: Request, caller: ByApiCaller, on_duplicate: DuplicatePolicy = None) -> Response:
    """Registers a patient; the same person (phone, name and date of birth agree) is answered with 200, also who was merged."""
    answer = await register(request, caller, BOOKING, "/internal/patients", on_duplicate=on_duplicate)
    return await registered(request, caller, answer, "patient", f"{API}/patients/{{id}}")


@router.get(
    "/patients",
    operation_id="list_patients",
    response_model=PatientPage,
    responses=doc.answers(200, shown.PATIENTS, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_patients(
    request: Request,
    caller: ByApiCaller,
    phone: FilterText = None,
    nhs_number: FilterText = None,
    name: FilterText = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists patients in order of name, or finds those of a phone number, an NHS number, or a name."""
    filters = {"phone": phone, "nhs_number": nhs_number, "name": name}
    return await read(request, caller, BOOKING, "/internal/patients", **filters, limit=limit, cursor=cursor)


@router.get(
    "/patients/{patient_id}",
    operation_id="get_patient",
    response_model=PatientView,
    responses=doc.answers(200, shown.PATIENT, Code.VALIDATION_FAILED, Code.UNKNOWN_PATIENT, carries=doc.ENTITY),
)
async def get_patient(request: Request, caller: ByApiCaller, patient_id: UUID) -> Response:
    """Reads a patient; of one that was merged into another (`merged_into`), the other."""
    return await read(request, caller, BOOKING, f"/internal/patients/{patient_id}")


@router.patch(
    "/patients/{patient_id}",
    operation_id="update_patient",
    response_model=PatientView,
    responses=doc.answers(
        200, shown.CHANGED, *doc.BODY_CODES, Code.UNKNOWN_PATIENT, *_DUPLICATES, Code.STALE, carries=doc.ENTITY
    ),
    openapi_extra=doc.changes(PatientPatch, shown.PATCH),
)  # fmt: skip
async def update_patient(
    request: Request, caller: ByApiCaller, patient_id: UUID, on_duplicate: DuplicatePolicy = None
) -> Response:
    """Changes a patient (RFC 7396): what is left out stays, `null` clears."""
    path = f"/internal/patients/{patient_id}"
    return answer_of(request, await call(request, caller, BOOKING, "PATCH", path, on_duplicate=on_duplicate))


@router.delete(
    "/patients/{patient_id}",
    operation_id="delete_patient",
    status_code=204,
    responses=doc.bare(204, "Deleted")
    | doc.refuses(
        Code.VALIDATION_FAILED, Code.UNKNOWN_PATIENT, Code.PATIENT_MERGED, Code.HAS_APPOINTMENTS, Code.CHECKED_IN, Code.STALE
    ),
    openapi_extra=doc.takes(doc.IF_MATCH),
)
async def delete_patient(
    request: Request, caller: ByApiCaller, patient_id: UUID, cancel_appointments: CancelAppointments = "false"
) -> Response:
    """Deletes a patient, who stays readable. Live appointments are cancelled if asked for, else they are a reason to refuse."""
    path = f"/internal/patients/{patient_id}"
    answer = await call(request, caller, BOOKING, "DELETE", path, cancel_appointments=cancel_appointments)
    if answer.is_success:
        await gateway_of(request).known.forget(caller, "patient", patient_id)
    return emptied(request, answer)


@router.post(
    "/patients/{patient_id}/merge",
    operation_id="merge_patients",
    response_model=PatientView,
    responses=doc.answers(
        200, shown.SURVIVOR, *doc.BODY_CODES, Code.KEY_REUSED, Code.UNKNOWN_PATIENT, Code.OVERLAPPING_APPOINTMENTS,
        carries=(*OF_REGISTRATIONS, *doc.ENTITY),
    ),
    openapi_extra=doc.posts(MergeIn, shown.MERGE),
)  # fmt: skip
async def merge_patients(request: Request, caller: ByApiCaller, patient_id: UUID) -> Response:
    """Moves a patient's live appointments to the one who survives; from then on both ids mean the survivor."""
    path = f"/internal/patients/{patient_id}/merge"
    return answer_of(request, await register(request, caller, BOOKING, path))
