"""Places for appointments that need another one: found without locks, then held so that what is found again can be taken.

Called by `service/displacement.py`. Locks go in the order of the batches: doctors, missing days, days.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import Place, unmade_places
from services.availability.domain.publication import today
from services.availability.repository import displacement, slots
from services.availability.repository.displacement import Search
from shared.contracts.registry import ClinicSettings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit


@dataclass(frozen=True)
class Wanted:
    """Places of these doctors from a date on: so many of the first ones, or all of them."""

    hosts: Collection[UUID]
    first: date
    limit: int | None


async def open_places(unit: RegistryUnit, caller: Caller, clinic: ClinicSettings, wanted: Wanted) -> list[Place]:
    """What can be booked now, also on days that their first booking would make."""
    search = Search(
        clinic_id=caller.clinic_id,
        doctors=wanted.hosts,
        first=wanted.first,
        open_from=unit.now + timedelta(minutes=clinic.lead_time_minutes),
        now=unit.now,
        horizon_days=clinic.booking_horizon_days,
        limit=wanted.limit,
    )
    places = await displacement.open_places(unit.connection, search)
    if clinic.default_daily_capacity:
        begin = today(clinic.time_zone, unit.now)
        end = begin + timedelta(days=clinic.booking_horizon_days)
        unmade = await displacement.unmade_days(unit.connection, search._replace(first=max(begin, search.first)), end)
        places += unmade_places(unmade, clinic.default_daily_capacity, clinic.time_zone)
    return places


async def hold_days(unit: RegistryUnit, caller: Caller, clinic: ClinicSettings, days: Collection[DayKey]) -> set[DayKey]:
    """Locks these days and their doctors until the commit, and answers which of the days there are. Missing ones are made."""
    active = await slots.lock_doctors(unit.connection, {(day.clinic_id, day.doctor_id) for day in days})
    capacity = clinic.default_daily_capacity
    daily = {day: clinic.time_zone for day in days if capacity and active.get((day.clinic_id, day.doctor_id)) is False}
    made = await slots.make_days(unit.connection, daily) if daily else set()
    held = await slots.lock_days(unit.connection, days)
    if made:
        await slots.grow(unit.connection, dict.fromkeys(made, capacity))
    for day in made:
        unit.record(caller, Action.DAY_SET, day.doctor_id, made=True, date=day.date, capacity=capacity, available=True)
    return {day for day in held if (day.clinic_id, day.doctor_id) in active}
