"""Doctors and their days, which are availability's: every call is passed on to it."""

from uuid import UUID

from fastapi import APIRouter, Request, Response

from services.gateway import documents as doc
from services.gateway.answer_headers import OF_REGISTRATIONS
from services.gateway.answers import API
from services.gateway.owners import AVAILABILITY
from services.gateway.passing import answer_of, read, register, registered
from services.gateway.routes.strict import StrictRoute
from shared.contracts.availability import DayView
from shared.contracts.calendar import DayIn
from shared.contracts.directory import DoctorIn, DoctorPage, DoctorView
from shared.contracts.problems import Code
from shared.contracts.registry import Day
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = APIRouter(route_class=StrictRoute, tags=["Doctors"])


@router.post(
    "/doctors",
    operation_id="create_doctor",
    status_code=201,
    response_model=DoctorView,
    responses=doc.answers(201, doc.DOCTOR, *doc.BODY_CODES, Code.KEY_REUSED, Code.DUPLICATE_CODE, carries=doc.MADE),
    openapi_extra=doc.posts(DoctorIn, doc.DOCTOR_BODY),
)
async def create_doctor(request: Request) -> Response:
    """Registers a doctor; without `code` it is made from the name."""
    answer = await register(request, AVAILABILITY, "/internal/doctors", "create_doctor")
    return await registered(request, answer, "doctor", f"{API}/doctors/{{id}}")


@router.get(
    "/doctors",
    operation_id="list_doctors",
    response_model=DoctorPage,
    responses=doc.answers(200, doc.DOCTORS, Code.VALIDATION_FAILED, carries=["Link"]),
)
async def list_doctors(request: Request, limit: Limit = DEFAULT_LIMIT, cursor: Cursor = None) -> Response:
    """Lists doctors in order of code."""
    return await read(request, AVAILABILITY, "/internal/doctors", limit=limit, cursor=cursor)


@router.get(
    "/doctors/{doctor_id}",
    operation_id="get_doctor",
    response_model=DoctorView,
    responses=doc.answers(200, doc.DOCTOR, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR),
)
async def get_doctor(request: Request, doctor_id: UUID) -> Response:
    """Reads a doctor."""
    return await read(request, AVAILABILITY, f"/internal/doctors/{doctor_id}")


@router.post(
    "/doctors/{doctor_id}/availability",
    operation_id="set_availability",
    status_code=201,
    response_model=DayView,
    responses=doc.answers(
        201, doc.DAY, *doc.BODY_CODES, Code.KEY_REUSED, Code.UNKNOWN_DOCTOR, Code.PAST_DATE, Code.TOO_FAR, Code.BELOW_TAKEN,
        Code.TIMED_DAY, carries=doc.MADE,
    )
    | doc.also(200, doc.DAY, "The day was there and is changed", OF_REGISTRATIONS),
    openapi_extra=doc.posts(DayIn, doc.DAY_BODY),
)  # fmt: skip
async def set_availability(request: Request, doctor_id: UUID) -> Response:
    """Opens, closes or resizes a day; what is left out stays as it was."""
    path = f"/internal/doctors/{doctor_id}/availability"
    answer = await register(request, AVAILABILITY, path, "set_availability")
    if answer.status_code != 201:
        return answer_of(request, answer)
    location = f"{API}/doctors/{doctor_id}/availability?date={answer.json()['date']}"
    return answer_of(request, answer, {"Location": location})


@router.get(
    "/doctors/{doctor_id}/availability",
    operation_id="get_availability",
    response_model=DayView,
    responses=doc.answers(200, doc.DAY, Code.VALIDATION_FAILED, Code.UNKNOWN_DOCTOR),
)
async def get_availability(request: Request, doctor_id: UUID, date: Day) -> Response:
    """Reads a day; one without a record reads as the clinic's default."""
    return await read(request, AVAILABILITY, f"/internal/doctors/{doctor_id}/availability", date=date)
