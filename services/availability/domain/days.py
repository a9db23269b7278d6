"""Days: which doctor's and which date, what their record says, and what a date or a capacity is refused for. Without I/O.

A refusal is a problem code. The clock is handed in: it is the database's.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.dates import today
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


class DayRules(NamedTuple):
    """What the doctor's calendar says of a date: it has times, or none at all, in place of numbers; it is closed."""

    timed: bool = False
    closed: bool = False


def date_refusal(day: date, zone: str, horizon_days: int, now: datetime) -> Code | None:
    """Today and later is bookable, in the zone of the day, up to the clinic's horizon."""
    first = today(zone, now)
    if day < first:
        return Code.PAST_DATE
    return Code.TOO_FAR if day > first + timedelta(days=horizon_days) else None


def bookable_after(settings: ClinicSettings, now: datetime) -> datetime:
    """A slot that starts then or earlier cannot be booked any more."""
    return now + timedelta(minutes=settings.lead_time_minutes)


def unrecorded_day(doctor_id: UUID, day: date, settings: ClinicSettings, rules: DayRules) -> DayView:
    """How a day without a record reads: as the clinic's default, which its first booking would make, or without any hours."""
    if rules.timed:
        return DayView(doctor_id=doctor_id, date=day, mode=Mode.TIMED, available=False, capacity=0, remaining=0)
    capacity = settings.default_daily_capacity
    available = capacity > 0 and not rules.closed
    return DayView(doctor_id=doctor_id, date=day, mode=Mode.DAILY, available=available, capacity=capacity, remaining=capacity)


def resize_refusal(day: DayView, capacity: int | None, rules: DayRules) -> Code | None:
    """Why a day cannot get this capacity: its slots have times, or more is taken than it would have."""
    if capacity is None:
        return None
    if day.mode is Mode.TIMED or rules.timed:
        return Code.TIMED_DAY
    return Code.BELOW_TAKEN if capacity < day.capacity - day.remaining else None
