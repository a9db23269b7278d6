"""Appointments: reading, listing and looking up."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Request

from services.booking.repository.appointment_search import AppointmentFilter
from services.booking.service.appointments.dry_moves import refusals_of_moves
from services.booking.service.appointments.lists import list_appointments, look_up_appointments, page_start, read_appointment
from shared.contracts.appointments import AppointmentLook, AppointmentPage, AppointmentView, Status
from shared.contracts.displacement import MoveRefusals, MovesQuestion
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit
from shared.infra.forms import DEFAULT_LIMIT, Cursor, Limit

router = APIRouter(prefix=ROOT)


@router.get("/appointments")
async def get_appointments(
    request: Request,
    caller: ByCaller,
    patient_id: UUID | None = None,
    doctor_id: UUID | None = None,
    date: dt.date | None = None,
    first: Annotated[dt.date | None, Query(alias="from")] = None,
    status: Status | None = None,
    limit: Limit = DEFAULT_LIMIT,
    cursor: Cursor = None,
) -> AppointmentPage:
    """Lists appointments."""
    wanted = AppointmentFilter(doctor_id=doctor_id, date=date, first=first, status=status, after=page_start(cursor))
    return await in_unit(request, caller, list_appointments, caller.clinic_id, patient_id, wanted, limit)


@router.post("/appointments/look")
async def post_lookup(request: Request, caller: ByCaller, asked: AppointmentLook) -> AppointmentPage:
    """Looks up many appointments by their ids."""
    return await in_unit(request, caller, look_up_appointments, caller.clinic_id, asked)


@router.post("/appointments/refusals")
async def post_refusals(request: Request, caller: ByCaller, asked: MovesQuestion) -> MoveRefusals:
    """Says which moves of a displacement would be refused."""
    return await in_unit(request, caller, refusals_of_moves, caller.clinic_id, asked)


@router.get("/appointments/{appointment_id}")
async def get_appointment(request: Request, caller: ByCaller, appointment_id: UUID) -> AppointmentView:
    """Reads an appointment."""
    return await in_unit(request, caller, read_appointment, caller.clinic_id, appointment_id)
