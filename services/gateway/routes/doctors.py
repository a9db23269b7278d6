"""Doctors, who are availability's: every call is forwarded to it, and the end of a deletion is waited for."""

from typing import Annotated, Literal
from uuid import UUID

from fastapi import Query, Request, Response

from services.gateway.access.open_access import ByApiCaller
from services.gateway.calendar.remove_doctor import remove_doctor
from services.gateway.calendar.zone_changes import doctor_changed
from services.gateway.http.parameters import CancelAppointments, FilterText, IdOrName
from services.gateway.http.paths import API
from services.gateway.http.strict import public_router
from services.gateway.openapi import doctors as shown
from services.gateway.openapi import operations as doc
from services.gateway.owners.client import AVAILABILITY
from services.gateway.owners.forward import call, read, register, registered
from shared.contracts.directory import DoctorAnswer, DoctorIn, DoctorPage, DoctorPatch, DoctorView
from shared.contracts.problems import Code
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = public_router("Doctors")

Expand = Annotated[Literal["translations"] | None, Query(description="Addresses in all their languages")]

_MADE = (*doc.MADE, *doc.TRANSLATED)
_GONE = ("Preference-Applied",)


@router.post(
    "/doctors",
    operation_id="create_doctor",
    status_code=201,
    response_model=DoctorView,
    responses=doc.answers(201, shown.DOCTOR, *doc.BODY_CODES, Code.KEY_REUSED, Code.DUPLICATE_CODE, carries=_MADE),
    openapi_extra=doc.posts(DoctorIn, shown.BODY),
)
async def create_doctor(request: Request, caller: ByApiCaller) -> Response:
    """Registers a doctor; without `code` it is made from the name."""
    answer = await register(request, caller, AVAILABILITY, "/internal/doctors")
    return await registered(request, caller, answer, "doctor", f"{API}/doctors/{{id}}")


@router.get(
    "/doctors",
    operation_id="list_doctors",
    response_model=DoctorPage,
    responses=doc.answers(200, shown.DOCTORS, Code.VALIDATION_FAILED, carries=["Link", "Vary"]),
    openapi_extra=doc.takes(doc.LANGUAGE),
)
async def list_doctors(
    request: Request,
    caller: ByApiCaller,
    category: IdOrName = None,
    price_range: IdOrName = None,
    location: FilterText = None,
    language: FilterText = None,
    q: FilterText = None,
    expand: Expand = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> Response:
    """Lists doctors in order of code, all or those that every filter finds; addresses in the reader's language."""
    filters = {"category": category, "price_range": price_range, "location": location, "language": language, "q": q}
    return await read(request, caller, AVAILABILITY, "/internal/doctors", **filters, expand=expand, limit=limit, cursor=cursor)


@router.get(
    "/doctors/{doctor_id}",
    operation_id="get_doctor",
    response_model=DoctorView,
    responses=doc.answers(200, shown.DOCTOR, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, carries=doc.TRANSLATED),
    openapi_extra=doc.takes(doc.LANGUAGE),
)
async def get_doctor(request: Request, caller: ByApiCaller, doctor_id: UUID, expand: Expand = None) -> Response:
    """Reads a doctor, with addresses in the reader's language."""
    return await read(request, caller, AVAILABILITY, f"/internal/doctors/{doctor_id}", expand=expand)


@router.patch(
    "/doctors/{doctor_id}",
    operation_id="update_doctor",
    response_model=DoctorAnswer,
    responses=doc.answers(
        200, shown.CHANGED, *doc.BODY_CODES, Code.UNKNOWN_DOCTOR, Code.DUPLICATE_CODE, Code.IN_USE, Code.STALE,
        carries=doc.TRANSLATED,
    ),
    openapi_extra=doc.changes(DoctorPatch, shown.PATCH, doc.LANGUAGE),
)  # fmt: skip
async def update_doctor(request: Request, caller: ByApiCaller, doctor_id: UUID) -> Response:
    """Changes a doctor (RFC 7396); `locations` is the whole list, one that it leaves out is removed.

    Another zone of a location changes no instant: the answer names the appointments for which a clock shows another time then.
    """
    answer = await call(request, caller, AVAILABILITY, "PATCH", f"/internal/doctors/{doctor_id}")
    return await doctor_changed(request, caller, answer)


@router.delete(
    "/doctors/{doctor_id}",
    operation_id="delete_doctor",
    status_code=204,
    responses=doc.bare(204, "Deleted, and nothing is left", _GONE)
    | doc.also(202, shown.DELETED, "Deleted; appointments are still being cancelled: repeat to see", ["Retry-After", *_GONE])
    | doc.refuses(
        Code.INVALID_HEADER, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR, Code.HAS_APPOINTMENTS, Code.CHECKED_IN, Code.STALE
    ),
    openapi_extra=doc.takes(doc.IF_MATCH, doc.PREFER),
)
async def delete_doctor(
    request: Request, caller: ByApiCaller, doctor_id: UUID, cancel_appointments: CancelAppointments = "false"
) -> Response:
    """Deletes a doctor, who stays readable; free slots to come go. Answered once live appointments are cancelled."""
    return await remove_doctor(request, caller, doctor_id, cancel=cancel_appointments == "true")
