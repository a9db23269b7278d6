"""Places for appointments that need another one: found without locks, then held so that what is found again can be taken.

Called by `displace.py`. Locks go in the order of the batches: doctors, missing days, days.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import Place, place_of, unmade_places
from services.availability.domain.slot_generation import oldest_date, today
from services.availability.repository import displacement, slot_search, slots
from services.availability.repository.slot_search import Asked
from services.availability.service.slots.search import FIRST_ID
from shared.contracts.clinics import ClinicSettings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit

ALL = 100_000
"""More than a doctor has slots of one minute up to the horizon of schedules."""


@dataclass(frozen=True)
class Wanted:
    """Places of these doctors for so many appointments, each later than `after`: the first ones, or `every` one there is."""

    clinic_id: UUID
    clinic: ClinicSettings
    hosts: Collection[UUID]
    after: datetime
    count: int
    every: bool

    @property
    def limit(self) -> int:
        """How many of them are read at most."""
        return ALL if self.every else self.count


async def open_places(unit: RegistryUnit, wanted: Wanted) -> list[Place]:
    """What can be booked now: times, numbers, and the numbers of days that their first booking would make."""
    return [*await _times(unit, wanted), *await _numbers(unit, wanted), *await _unmade(unit, wanted)]


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


async def _times(unit: RegistryUnit, wanted: Wanted) -> list[Place]:
    clinic, behind = wanted.clinic, slot_search.Place(wanted.after, FIRST_ID, FIRST_ID)
    open_from = unit.now + timedelta(minutes=clinic.lead_time_minutes)
    dates = (oldest_date(wanted.after), unit.now.date() + timedelta(days=clinic.booking_horizon_days + 1))
    bounds = (*dates, open_from, unit.now, clinic.booking_horizon_days)
    asked = Asked(wanted.clinic_id, list(wanted.hosts), *bounds, behind, None, wanted.limit)
    return [
        place_of(
            DayKey(wanted.clinic_id, row["doctor_id"], row["date"]),
            row["number"],
            row["id"],
            row["time_zone"],
            location_id=row["location_id"],
            starts_at=row["starts_at"],
            ends_at=row["ends_at"],
        )
        for row in await slot_search.find(unit.connection, asked)
    ]


async def _numbers(unit: RegistryUnit, wanted: Wanted) -> list[Place]:
    first, horizon = oldest_date(wanted.after), wanted.clinic.booking_horizon_days
    zones = await displacement.daily_days(unit.connection, wanted.clinic_id, wanted.hosts, first, unit.now, horizon, wanted.limit)
    free = await slots.pick_free(unit.connection, dict.fromkeys(zones, wanted.count), {}) if zones else {}
    return [place_of(day, slot.number, slot.id, zones[day]) for day, found in free.items() for slot in found]


async def _unmade(unit: RegistryUnit, wanted: Wanted) -> list[Place]:
    clinic = wanted.clinic
    first = today(clinic.time_zone, unit.now)
    span = (max(first, oldest_date(wanted.after)), first + timedelta(days=clinic.booking_horizon_days))
    if not clinic.default_daily_capacity:
        return []
    days = await displacement.unmade_days(unit.connection, wanted.clinic_id, wanted.hosts, span, wanted.limit)
    return unmade_places(days, clinic.default_daily_capacity, clinic.time_zone)
