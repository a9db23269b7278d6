"""The appointments that a change of a calendar displaces: availability names them, booking has them.

One that booking does not know yet is a booking on its way. It is asked for again until booking knows it, or availability has its
place back: so none slips in behind the answer. Called by the calendar's routes and the deletion of doctors.
"""

import asyncio
import time
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from pydantic import BaseModel, TypeAdapter

from services.gateway.access.caller import ApiCaller
from services.gateway.owners.client import AVAILABILITY, BOOKING, Owners, unavailable
from shared.contracts.appointments import LIVE, AppointmentLook, AppointmentPage, AppointmentView, Status

M = TypeVar("M", bound=BaseModel)

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.1
MAX_IDS = 500
"""So many ids are asked for in one call."""

_IDS = TypeAdapter(list[UUID])


async def displaced(owners: Owners, caller: ApiCaller, ids: Collection[UUID], now: datetime) -> list[AppointmentView]:
    """The live ones of these appointments, in booking's order. Raises a `ProblemError` `unavailable` if some stay away."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    found: dict[UUID, AppointmentView] = {}
    missing = list(ids)
    while missing:
        found |= {one.id: one for one in await look(owners, caller, missing)}
        missing = await _still_taken(owners, caller, [one for one in missing if one not in found])
        if missing and time.monotonic() > deadline:
            raise unavailable(BOOKING)
        if missing:
            await asyncio.sleep(PAUSE_SECONDS)
    return sorted((one for one in found.values() if _is_live(one, now)), key=lambda one: (one.date, one.slot, one.id))


async def look(owners: Owners, caller: ApiCaller, ids: Sequence[UUID]) -> list[AppointmentView]:
    """Those of these appointments that booking knows, whatever became of them."""
    pages = [AppointmentPage.model_validate_json(body) for body in await _ask(owners, caller, BOOKING, "look", ids)]
    return [one for page in pages for one in page.items]


async def _still_taken(owners: Owners, caller: ApiCaller, ids: Sequence[UUID]) -> list[UUID]:
    """Those whose places availability has not got back."""
    return [one for body in await _ask(owners, caller, AVAILABILITY, "taken", ids) for one in _IDS.validate_json(body)]


async def _ask(owners: Owners, caller: ApiCaller, owner: str, verb: str, ids: Sequence[UUID]) -> list[bytes]:
    bodies = []
    for start in range(0, len(ids), MAX_IDS):
        asked = AppointmentLook(ids=list(ids[start : start + MAX_IDS])).model_dump_json().encode()
        answer = await owners.call(owner, "POST", f"/internal/appointments/{verb}", caller, content=asked)
        if not answer.is_success:
            raise unavailable(owner)
        bodies.append(answer.content)
    return bodies


def _is_live(appointment: AppointmentView, now: datetime) -> bool:
    """A hold whose time is over holds nothing."""
    over = appointment.status == Status.PENDING and appointment.expires_at is not None and appointment.expires_at <= now
    return appointment.status in LIVE and not over
