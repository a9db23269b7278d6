"""The appointments that a change of a calendar displaces: availability names them, booking has them.

One that booking does not know yet is a booking on its way. It is asked for again until booking knows it, or availability has its
place back: so none slips in behind the answer. What is done already is answered with what is known, and says so if that is not
all. Called by the calendar's routes and by displacing.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pydantic import TypeAdapter

from services.gateway.access.caller import ApiCaller
from services.gateway.gateway import Gateway
from services.gateway.owners.ask import OnFailure, ask
from services.gateway.owners.client import AVAILABILITY, BOOKING, Owners
from shared.contracts.appointments import LIVE, AppointmentLook, AppointmentPage, AppointmentView, Status
from shared.infra.problems import ProblemError

PATIENCE_SECONDS = 5.0
PAUSE_SECONDS = 0.1
MAX_IDS = 500
"""So many ids are asked for in one call."""

_IDS = TypeAdapter(list[UUID])


class DisplacedSoFar(NamedTuple):
    """The live ones of some appointments, in booking's order, and those of which nobody has said yet what they are."""

    live: list[AppointmentView]
    unknown: set[UUID]


async def displaced_appointments(gateway: Gateway, caller: ApiCaller, ids: Collection[UUID]) -> list[AppointmentView]:
    """The live ones of these appointments, in booking's order.

    Raises a `ProblemError` `unavailable` if an owner does not answer, or if a booking is on its way for longer than five seconds.
    """
    found = await displaced_so_far(gateway, caller, ids, PATIENCE_SECONDS)
    if found.unknown:
        raise gateway.owners.unavailable(BOOKING)
    return found.live


async def displaced_so_far(gateway: Gateway, caller: ApiCaller, ids: Collection[UUID], patience_seconds: float) -> DisplacedSoFar:
    """What is known of these appointments after so many seconds at most; an owner that does not answer is not asked again."""
    owners, clock, now = gateway.owners, gateway.clock, gateway.database_clock.now()
    deadline = clock.monotonic() + patience_seconds
    found: dict[UUID, AppointmentView] = {}
    missing = list(ids)
    while missing:
        try:
            found |= {one.id: one for one in await read_appointments(owners, caller, missing)}
            missing = [one for one in missing if one not in found]
            missing = await _still_taken(owners, caller, missing)
        except ProblemError:
            break
        if not missing or clock.monotonic() >= deadline:
            break
        await clock.sleep(PAUSE_SECONDS)
    live = (one for one in found.values() if _is_live(one, now))
    return DisplacedSoFar(sorted(live, key=lambda one: (one.date, one.slot, one.id)), set(missing))


async def read_appointments(owners: Owners, caller: ApiCaller, ids: Sequence[UUID]) -> list[AppointmentView]:
    """Those of these appointments that booking knows, whatever became of them."""
    bodies = await _ask_about(owners, caller, BOOKING, "look", ids)
    return [one for body in bodies for one in AppointmentPage.model_validate_json(body).items]


async def _still_taken(owners: Owners, caller: ApiCaller, ids: Sequence[UUID]) -> list[UUID]:
    """Those of these appointments whose places availability has not got back."""
    return [one for body in await _ask_about(owners, caller, AVAILABILITY, "taken", ids) for one in _IDS.validate_json(body)]


async def _ask_about(owners: Owners, caller: ApiCaller, owner: str, verb: str, ids: Sequence[UUID]) -> list[bytes]:
    """The bodies of the owner's answers, one for each 500 ids."""
    path, bodies = f"/internal/appointments/{verb}", []
    for start in range(0, len(ids), MAX_IDS):
        look = AppointmentLook(ids=list(ids[start : start + MAX_IDS]))
        bodies.append((await ask(owners, caller, owner, "POST", path, look, on_failure=OnFailure.UNAVAILABLE)).content)
    return bodies


def _is_live(appointment: AppointmentView, now: datetime) -> bool:
    """Whether it holds its place. A hold whose time is over does not."""
    over = appointment.status == Status.PENDING and appointment.expires_at is not None and appointment.expires_at <= now
    return appointment.status in LIVE and not over
