"""Days: which doctor's and which date, what their record says, and what a date or a capacity is refused for. Without I/O.

A refusal is a problem code. The clock is handed in: it is the database's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.dates import doctor_zone, today
from shared.contracts.availability import DayView, Mode
from shared.contracts.clinics import ClinicSettings
from shared.contracts.envelope import DayMessage
from shared.contracts.problems import Code


class DoctorKey(NamedTuple):
    """One doctor of a clinic. Its order is the order in which doctors are locked everywhere."""

    clinic_id: UUID
    doctor_id: UUID


class DayKey(NamedTuple):
    """One doctor's day. Its order is the order in which days are locked everywhere."""

    clinic_id: UUID
    doctor_id: UUID
    date: date

    @classmethod
    def of(cls, message: DayMessage) -> "DayKey":
        """The day that a message is about."""
        return cls(message.clinic_id, message.doctor_id, message.date)

    @property
    def doctor(self) -> DoctorKey:
        """Whose day it is."""
        return DoctorKey(self.clinic_id, self.doctor_id)

    @property
    def lock_name(self) -> str:
        """The name of the day's lock in Redis, which keeps processes from colliding."""
        return f"{self.clinic_id}:{self.doctor_id}:{self.date.isoformat()}"


@dataclass(frozen=True)
class Day:
    """The record of a day. Its capacity is the number of its slots, not a field of it."""

    mode: Mode
    available: bool
    time_zone: str


class BookableDoctor(NamedTuple):
    """An active doctor: whether a weekly schedule makes the days, and the zones of all locations (`doctor_zone`)."""

    scheduled: bool
    location_zones: Sequence[str | None] = ()


class DayRules(NamedTuple):
    """What the doctor's calendar says of a date: it has times, or none at all, in place of numbers; it is closed.

    `location_zones` are those of all locations of the doctor (`doctor_zone`).
    """

    timed: bool = False
    closed: bool = False
    location_zones: Sequence[str | None] = ()


class DaySlots(NamedTuple):
    """How many slots a day has, how many of them are taken, are asked for by the calendar, and can be booked now."""

    capacity: int = 0
    taken: int = 0
    published: int = 0
    bookable: int = 0


def date_refusal(day: date, zone: str, horizon_days: int, now: datetime) -> Code | None:
    """Today and later is bookable, in the zone of the day, up to the clinic's horizon."""
    first = today(zone, now)
    if day < first:
        return Code.PAST_DATE
    return Code.TOO_FAR if day > first + timedelta(days=horizon_days) else None


def bookable_after(settings: ClinicSettings, now: datetime) -> datetime:
    """A slot that starts then or earlier cannot be booked any more."""
    return now + timedelta(minutes=settings.lead_time_minutes)


def unrecorded_day(settings: ClinicSettings, rules: DayRules) -> tuple[Day, DaySlots]:
    """What a day without a record is: as the clinic's default, which its first booking would make, or without any hours."""
    zone = doctor_zone(rules.location_zones, settings.time_zone)
    if rules.timed:
        return Day(Mode.TIMED, available=False, time_zone=zone), DaySlots()
    size = settings.default_daily_capacity
    return Day(Mode.DAILY, available=True, time_zone=zone), DaySlots(capacity=size, published=size, bookable=size)


def day_view(key: DayKey, day: Day, slots: DaySlots, *, closed: bool, refused: Code | None) -> DayView:
    """How a day reads: it is available unless every booking of it is refused, and then nothing remains either.

    `closed` says what the calendar does, `refused` what stands against the date.
    """
    available = day.available and not closed and refused is None and slots.published > 0
    return DayView(
        doctor_id=key.doctor_id,
        date=key.date,
        mode=day.mode,
        available=available,
        capacity=slots.capacity,
        remaining=slots.bookable if available else 0,
    )


def resize_refusal(mode: Mode, taken: int, capacity: int | None, rules: DayRules) -> Code | None:
    """Why a day cannot get this capacity: its slots have times, or more is taken than it would have."""
    if capacity is None:
        return None
    if mode is Mode.TIMED or rules.timed:
        return Code.TIMED_DAY
    return Code.BELOW_TAKEN if capacity < taken else None
