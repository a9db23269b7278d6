"""Open places for displaced appointments: found without locks, then locked so that what is found again can be taken.

Numbers of days are counted, not listed: a year of days with a thousand places is a year of counts.

Called by `displace.py`. Locks go in the order of the batches: doctors, missing days, days.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from uuid import UUID

from services.availability.domain.dates import DAY, doctor_zone
from services.availability.domain.days import DayKey, bookable_after, date_refusal
from services.availability.domain.displacement import OpenPlaces, PlaceStart, open_numbers, open_time, place_of
from services.availability.repository.displacement.open_places import daily_days, missing_days
from services.availability.repository.rows import slot_of
from services.availability.repository.slots import capacity, locks
from services.availability.repository.slots.search import SearchPosition, SlotQuery, find_from_starts
from shared.contracts.clinics import ClinicSettings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit

AROUND = 4
"""So many dates around the one from which on places are needed may be too early for them, or past, in some zone."""


@dataclass(frozen=True)
class PlaceQuery:
    """Places of these doctors for so many appointments: from each start on as many of the first ones as it needs."""

    clinic_id: UUID
    clinic: ClinicSettings
    doctors: Collection[UUID]
    starts: Sequence[PlaceStart]
    count: int

    def days(self, places_of_a_day: int = 1, oldest: date = date.min) -> dict[date, int]:
        """From which dates on, none before the oldest, how many days with so many places at least are needed."""
        needed: dict[date, int] = {}
        for start in self.starts:
            first, days = max(start.first, oldest), -(-start.needed // places_of_a_day) + AROUND * len(self.doctors)
            needed[first] = max(days, needed.get(first, 0))
        return needed


async def open_places(unit: RegistryUnit, query: PlaceQuery) -> list[OpenPlaces]:
    """What can be booked now: times, how many numbers of days, and of days that their first booking would make."""
    return [*await _times(unit, query), *await _numbers(unit, query), *await _of_missing_days(unit, query)]


async def lock_days(unit: RegistryUnit, caller: Caller, clinic: ClinicSettings, days: Collection[DayKey]) -> set[DayKey]:
    """Locks these days and their doctors until the commit, and answers which of the days there are. Missing ones are made."""
    active = await locks.lock_doctors(unit.connection, {day.doctor for day in days})
    size = clinic.default_daily_capacity
    daily = {
        day: doctor_zone(doctor.location_zones, clinic.time_zone)
        for day in days
        if size and (doctor := active.get(day.doctor)) and not doctor.scheduled
    }
    made = await locks.make_days(unit.connection, daily) if daily else set()
    locked = await locks.lock_days(unit.connection, days)
    if made:
        await capacity.grow(unit.connection, dict.fromkeys(made, size))
    for day in made:
        unit.record(caller, Action.DAY_SET, day.doctor_id, made=True, date=day.date, capacity=size, available=True)
    return {day for day in locked if day.doctor in active}


async def _times(unit: RegistryUnit, query: PlaceQuery) -> list[OpenPlaces]:
    clinic = query.clinic
    last = unit.now.date() + timedelta(days=clinic.booking_horizon_days + 1)
    slots = SlotQuery(
        clinic_id=query.clinic_id, doctors=list(query.doctors), first=unit.now.date(), last=last,
        bookable_after=bookable_after(clinic, unit.now), now=unit.now, horizon_days=clinic.booking_horizon_days,
        after=SearchPosition(unit.now), location_id=None, limit=query.count,
    )  # fmt: skip
    return [
        open_time(place_of(DayKey(query.clinic_id, row["doctor_id"], row["date"]), slot_of(row), row["time_zone"]))
        for row in await find_from_starts(unit.connection, slots, query.starts)
    ]


async def _numbers(unit: RegistryUnit, query: PlaceQuery) -> list[OpenPlaces]:
    horizon_days = query.clinic.booking_horizon_days
    of = (query.clinic_id, query.doctors, query.days(), unit.now, horizon_days)
    found = await daily_days(unit.connection, *of, query.count)
    return [open_numbers(day, zone, number, recorded=True) for day, (zone, number) in found.items()]


async def _of_missing_days(unit: RegistryUnit, query: PlaceQuery) -> list[OpenPlaces]:
    clinic, size = query.clinic, query.clinic.default_daily_capacity
    if not size:
        return []
    oldest, last = unit.now.date() - DAY, unit.now.date() + timedelta(clinic.booking_horizon_days + 1)
    missing = await missing_days(unit.connection, query.clinic_id, query.doctors, query.days(size, oldest), last)
    days = {day: doctor_zone(zones, clinic.time_zone) for day, zones in missing.items()}
    return [
        open_numbers(day, zone, size, recorded=False)
        for day, zone in days.items()
        if not date_refusal(day.date, zone, clinic.booking_horizon_days, unit.now)
    ]
