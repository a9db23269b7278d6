"""Slots: searched, resolved, and which appointments have one."""

import datetime as dt
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request

from services.availability.repository.displacement.displaced import appointments_with_slot
from services.availability.routes.common import LanguageTag, SearchText, id_or_text
from services.availability.service.slots.find_wall_times import find_wall_times
from services.availability.service.slots.resolve import resolve_slot
from services.availability.service.slots.search import SlotSearch, list_slots
from shared.contracts.appointments import AppointmentLook
from shared.contracts.calendar import MAX_EARLIEST, SlotPage, SlotPlace, SlotQuestion, WallTimesFound, WallTimesQuestion
from shared.contracts.internal import ROOT
from shared.infra.caller import ByCaller
from shared.infra.calls import in_unit
from shared.infra.forms import IN_DIGITS, Cursor, SomeLimit, parse, read_json

router = APIRouter(prefix=ROOT)
FirstDate = Annotated[dt.date | None, Query(alias="from")]
EarliestSlots = Annotated[int | None, Query(ge=1, le=MAX_EARLIEST), IN_DIGITS]


def _search(
    doctor_id: UUID | None = None,
    category: SearchText = None,
    location_id: UUID | None = None,
    language: LanguageTag = None,
    from_: FirstDate = None,
    to: dt.date | None = None,
    earliest: EarliestSlots = None,
    limit: SomeLimit = None,
    cursor: Cursor = None,
) -> SlotSearch:
    return SlotSearch(doctor_id, id_or_text(category), location_id, language, from_, to, earliest, limit, cursor)


@router.get("/slots")
async def get_slots(request: Request, caller: ByCaller, search: Annotated[SlotSearch, Depends(_search)]) -> SlotPage:
    """Searches open slots, in order of start."""
    return await in_unit(request, caller, list_slots, caller, search)


@router.post("/slots/resolve")
async def post_resolve(request: Request, caller: ByCaller) -> SlotPlace:
    """Finds a slot by its id, or by doctor, start and perhaps location."""
    asked = parse(SlotQuestion, await read_json(request))
    return await in_unit(request, caller, resolve_slot, caller, asked)


@router.post("/slots/wall-times")
async def post_wall_times(request: Request, caller: ByCaller) -> WallTimesFound:
    """Finds the appointments whose wall time would change with the clinic's zone."""
    asked = parse(WallTimesQuestion, await read_json(request))
    return await in_unit(request, caller, find_wall_times, caller, asked)


@router.post("/appointments/taken")
async def post_taken(request: Request, caller: ByCaller) -> list[UUID]:
    """Which of these appointments have a slot."""
    ids = parse(AppointmentLook, await read_json(request)).ids
    return await in_unit(request, caller, lambda unit: appointments_with_slot(unit.connection, caller.clinic_id, ids))
