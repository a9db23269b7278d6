"""HTTP in, for the gateway only: patients, appointments and the look at outcomes. Refusals are problems."""

import datetime as dt
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import APIRouter, Query, Request, Response

from services.booking.identifiers import Codec
from services.booking.repository.appointments import Wanted
from services.booking.service.lists import list_appointments, place_of, read_appointment
from services.booking.service.outcomes import close, look
from services.booking.service.patients import read_patient, register_patient
from shared.contracts.booking import AppointmentPage, AppointmentView, Status
from shared.contracts.commands import CloseCommands, CommandLook, Outcomes
from shared.contracts.patients import PatientView
from shared.infra.caller import ByCaller, Caller
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit, read_json
from shared.infra.postgres import shielded
from shared.infra.runtime import Runtime
from shared.infra.unit import RegistryUnit

T = TypeVar("T")

router = APIRouter(prefix="/internal")

OnDuplicate = Annotated[str | None, Query(pattern="^create$")]


@router.post("/patients")
async def post_patient(request: Request, response: Response, caller: ByCaller, on_duplicate: OnDuplicate = None) -> PatientView:
    """Registers a patient."""
    data, codec = await read_json(request), _codec(request)
    create = on_duplicate is not None
    done = await _in_unit(request, caller, lambda unit: register_patient(unit, codec, caller, data, create_duplicate=create))
    response.status_code = done.status_code
    if done.replayed:
        response.headers["Idempotent-Replayed"] = "true"
    return done.patient


@router.get("/patients/{patient_id}")
async def get_patient(request: Request, caller: ByCaller, patient_id: UUID) -> PatientView:
    """Reads a patient."""
    codec = _codec(request)
    return await _in_unit(request, caller, lambda unit: read_patient(unit, codec, caller, patient_id))


@router.get("/appointments")
async def get_appointments(
    request: Request,
    caller: ByCaller,
    patient_id: UUID | None = None,
    doctor_id: UUID | None = None,
    date: dt.date | None = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> AppointmentPage:
    """Lists appointments."""
    wanted = Wanted(patient_id, doctor_id, date, status, place_of(cursor))
    return await _in_unit(request, caller, lambda unit: list_appointments(unit, caller.clinic_id, wanted, limit))


@router.get("/appointments/{appointment_id}")
async def get_appointment(request: Request, caller: ByCaller, appointment_id: UUID) -> AppointmentView:
    """Reads an appointment."""
    return await _in_unit(request, caller, lambda unit: read_appointment(unit, caller.clinic_id, appointment_id))


@router.post("/commands/look")
async def post_look(request: Request, asked: CommandLook) -> Outcomes:
    """Looks up outcomes; the pairs say for which clinics."""
    return await look(_runtime(request).database, asked)


@router.post("/commands/close")
async def post_close(request: Request, asked: CloseCommands) -> Outcomes:
    """Refuses as lost what is long past its deadline and has no outcome."""
    return await shielded(close(_runtime(request).units, asked, request.state.correlation_id))


async def _in_unit(request: Request, caller: Caller, use_case: Callable[[RegistryUnit], Awaitable[T]]) -> T:
    """Runs a use case in a transaction of the caller's clinic, to its end."""

    async def work() -> T:
        async with _runtime(request).units.registry(caller.clinic_id) as unit:
            return await use_case(unit)

    return await shielded(work())


def _runtime(request: Request) -> Runtime:
    runtime: Runtime = request.app.state.runtime
    return runtime


def _codec(request: Request) -> Codec:
    codec: Codec = request.app.state.codec
    return codec
