"""Open places for displaced appointments: found without locks, then locked so that what is found again can be taken.

Called by `displace.py`. Locks go in the order of the batches: doctors, missing days, days.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from services.availability.domain.dates import DAY, doctor_zone, oldest_date
from services.availability.domain.days import DayKey, bookable_after, date_refusal
from services.availability.domain.displacement import AppointmentPlace, place_of, places_of_missing_days
from services.availability.domain.reservations import FreeSlotsNeeded
from services.availability.repository.displacement.open_places import daily_days, missing_days
from services.availability.repository.rows import slot_of
from services.availability.repository.slots import capacity, locks
from services.availability.repository.slots.reserve import free_slots
from services.availability.repository.slots.search import SearchPosition, SlotQuery, find_from_dates
from shared.contracts.clinics import ClinicSettings
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.unit import RegistryUnit

ALL = 100_000
"""More than a doctor has slots of one minute up to the horizon of schedules."""


@dataclass(frozen=True)
class PlaceQuery:
    """Places of these doctors for so many appointments, each later than `after`: every one there is, or the first ones from each
    of these dates on. The first dates may take all that is near to them.
    """

    clinic_id: UUID
    clinic: ClinicSettings
    doctors: Collection[UUID]
    after: datetime
    count: int
    from_dates: Collection[date] = ()

    @property
    def limit(self) -> int:
        """How many of them are read at most, from each date on."""
        return self.count if self.from_dates else ALL

    @property
    def dates(self) -> set[date]:
        """The dates from which on places are read: none before `after`."""
        oldest = oldest_date(self.after)
        return {max(first, oldest) for first in self.from_dates or (oldest,)}


async def open_places(unit: RegistryUnit, query: PlaceQuery) -> list[AppointmentPlace]:
    """What can be booked now: times, numbers, and the numbers of days that their first booking would make."""
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


async def _times(unit: RegistryUnit, query: PlaceQuery) -> list[AppointmentPlace]:
    clinic = query.clinic
    last = unit.now.date() + timedelta(days=clinic.booking_horizon_days + 1)
    slots = SlotQuery(
        clinic_id=query.clinic_id, doctors=list(query.doctors), first=min(query.dates), last=last,
        bookable_after=bookable_after(clinic, unit.now), now=unit.now, horizon_days=clinic.booking_horizon_days,
        after=SearchPosition(query.after), location_id=None, limit=query.limit,
    )  # fmt: skip
    return [
        place_of(DayKey(query.clinic_id, row["doctor_id"], row["date"]), slot_of(row), row["time_zone"])
        for row in await find_from_dates(unit.connection, slots, query.dates)
    ]


async def _numbers(unit: RegistryUnit, query: PlaceQuery) -> list[AppointmentPlace]:
    horizon_days = query.clinic.booking_horizon_days
    zones = await daily_days(unit.connection, query.clinic_id, query.doctors, query.dates, unit.now, horizon_days, query.limit)
    free = await free_slots(unit.connection, dict.fromkeys(zones, FreeSlotsNeeded(query.count))) if zones else {}
    return [place_of(day, slot, zones[day]) for day, found in free.items() for slot in found.slots]


async def _of_missing_days(unit: RegistryUnit, query: PlaceQuery) -> list[AppointmentPlace]:
    clinic = query.clinic
    if not clinic.default_daily_capacity:
        return []
    oldest, last = unit.now.date() - DAY, unit.now.date() + timedelta(clinic.booking_horizon_days + 1)
    dates = {max(first, oldest) for first in query.dates}
    # Of each doctor the first two may be past in the doctor's own zone.
    limit = query.limit + 2 * len(query.doctors)
    missing = await missing_days(unit.connection, query.clinic_id, query.doctors, dates, last, limit)
    days = {day: doctor_zone(zones, clinic.time_zone) for day, zones in missing.items()}
    bookable = {
        day: zone for day, zone in days.items() if not date_refusal(day.date, zone, clinic.booking_horizon_days, unit.now)
    }
    return places_of_missing_days(bookable, clinic.default_daily_capacity)
