"""The rules of days and slots, without I/O: who calls brings what was read under locks, and the time on the database's clock.

Used by `service/`. A refusal is a problem code; which one wins is the order of the checks in `judge`.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.availability import DayView, Mode
from shared.contracts.booking import BookAppointment
from shared.contracts.calendar import HORIZON_DAYS
from shared.contracts.envelope import DayMessage
from shared.contracts.problems import Code
from shared.contracts.registry import ClinicSettings


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
    def lock_name(self) -> str:
        """What the day is called where processes keep from colliding."""
        return f"{self.clinic_id}:{self.doctor_id}:{self.date.isoformat()}"


@dataclass(frozen=True)
class Day:
    """The record of a day. How many places it has is the number of its slots, not a field of it."""

    mode: Mode
    available: bool
    time_zone: str


class DayRules(NamedTuple):
    """What the doctor's calendar says of a date: it has times, or none at all, in place of numbers; it is closed."""

    timed: bool = False
    closed: bool = False


@dataclass(frozen=True)
class FreeSlot:
    """A place that may be taken."""

    id: UUID
    number: int
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None


class Reservation(NamedTuple):
    """What a release names: it acts only while the slot is held by exactly this reservation."""

    clinic_id: UUID
    slot_id: UUID
    id: UUID


@dataclass(frozen=True)
class Taking:
    """A place given to a booking, with the ids that were drawn for it."""

    command: BookAppointment
    slot: FreeSlot
    reservation_id: UUID
    appointment_id: UUID

    @property
    def clinic_id(self) -> UUID:
        return self.command.clinic_id


@dataclass(frozen=True)
class World:
    """What a batch is judged by: read under the locks that hold until its commit."""

    now: datetime
    settings: Mapping[UUID, ClinicSettings]
    scheduled: Mapping[tuple[UUID, UUID], bool]
    """The (clinic, doctor) that are active, and whether each follows a weekly schedule."""
    days: Mapping[DayKey, Day]

    def settings_of(self, clinic_id: UUID) -> ClinicSettings:
        """A clinic that has not been heard of yet has the settings of a new one."""
        return self.settings.get(clinic_id) or ClinicSettings()


def is_late(command: BookAppointment, now: datetime) -> bool:
    """Whether the command's deadline is over: then nothing may be taken for it."""
    return command.decide_by < now


def date_refusal(day: date, zone: str, horizon_days: int, now: datetime) -> Code | None:
    """Today and later is bookable, in the zone of the day, up to the clinic's horizon."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if day < today:
        return Code.PAST_DATE
    return Code.TOO_FAR if day > today + timedelta(days=horizon_days) else None


def judge(command: BookAppointment, world: World) -> Code | None:
    """Why a booking is refused whatever is free, or None. The first reason wins."""
    if is_late(command, world.now):
        return Code.TOO_LATE
    scheduled = world.scheduled.get((command.clinic_id, command.doctor_id))
    if scheduled is None:
        return Code.UNKNOWN_DOCTOR
    settings = world.settings_of(command.clinic_id)
    day = world.days.get(DayKey.of(command))
    zone = day.time_zone if day else settings.time_zone
    # A schedule makes its days up to its own horizon: behind that a missing day says nothing of it.
    published = HORIZON_DAYS if scheduled and day is None else settings.booking_horizon_days
    refused = date_refusal(command.date, zone, min(published, settings.booking_horizon_days), world.now)
    if refused is None and (day is None or not day.available):
        return Code.DOCTOR_ABSENT
    return refused


def days_to_make(commands: Iterable[BookAppointment], world: World) -> dict[DayKey, str]:
    """The days that bookings may bring into being, with their zone: they are made where they are missing. A schedule's are made
    with their slots."""
    wanted: dict[DayKey, str] = {}
    for command in commands:
        settings = world.settings_of(command.clinic_id)
        daily = world.scheduled.get((command.clinic_id, command.doctor_id)) is False and not is_late(command, world.now)
        refused = date_refusal(command.date, settings.time_zone, settings.booking_horizon_days, world.now)
        if daily and refused is None and settings.default_daily_capacity > 0:
            wanted[DayKey.of(command)] = settings.time_zone
    return wanted


def places_wanted(judged: Iterable[tuple[BookAppointment, Code | None]]) -> Counter[DayKey]:
    """How many places of each day the bookings ask for that were not refused."""
    return Counter(DayKey.of(command) for command, refused in judged if refused is None)


def open_from(world: World, days: Iterable[DayKey]) -> dict[DayKey, datetime]:
    """Of the timed ones of these days: a slot that starts then or earlier cannot be booked any more."""
    timed = (day for day in days if world.days[day].mode is Mode.TIMED)
    return {day: world.now + timedelta(minutes=world.settings_of(day.clinic_id).lead_time_minutes) for day in timed}


def share_out(
    judged: Sequence[tuple[BookAppointment, Code | None]], free: Mapping[DayKey, Sequence[FreeSlot]]
) -> list[tuple[BookAppointment, FreeSlot | Code]]:
    """Gives each booking in order of arrival the first place that is left of its day; the rest find the day full."""
    left = {day: deque(sorted(slots, key=_order)) for day, slots in free.items()}
    decided: list[tuple[BookAppointment, FreeSlot | Code]] = []
    for command, refused in judged:
        slots = left.get(DayKey.of(command))
        decided.append((command, refused or (slots.popleft() if slots else Code.FULL)))
    return decided


def _order(slot: FreeSlot) -> tuple[datetime | int, ...]:
    """By start, or by number where there are no times: never both on one day."""
    return (slot.starts_at,) if slot.starts_at else (slot.number,)


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
