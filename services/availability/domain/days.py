"""The rules of days and slots, without I/O: who calls brings what was read under locks, and the time on the database's clock.

Used by `service/`. A refusal is a problem code; which one wins is the order of the checks in `judge`. Who gets which place is
decided by `sharing.py`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.availability import DayView, Mode
from shared.contracts.booking import BookAppointment, RescheduleAppointment
from shared.contracts.calendar import HORIZON_DAYS
from shared.contracts.clinics import ClinicSettings
from shared.contracts.envelope import DayMessage
from shared.contracts.problems import Code

SlotCommand = BookAppointment | RescheduleAppointment
"""What asks for a place of a day: one that it names, or any."""


def mover(command: SlotCommand) -> UUID | None:
    """The appointment that is to be moved, if one is."""
    return command.appointment_id if isinstance(command, RescheduleAppointment) else None


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
class Slot:
    """A place of a day."""

    id: UUID
    number: int
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None


class Holding(NamedTuple):
    """A place that an appointment has."""

    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class Place(NamedTuple):
    """A slot that a command names, and who has it, if somebody does."""

    slot: Slot
    published: bool
    holding: Holding | None


class Reservation(NamedTuple):
    """What a release names: it acts only while the slot is held by exactly this reservation."""

    clinic_id: UUID
    slot_id: UUID
    id: UUID


@dataclass(frozen=True)
class World:
    """What a batch is judged by: read under the locks that hold until its commit."""

    now: datetime
    settings: Mapping[UUID, ClinicSettings]
    scheduled: Mapping[tuple[UUID, UUID], bool]
    """The (clinic, doctor) that are active, and whether each follows a weekly schedule."""
    days: Mapping[DayKey, Day] = field(default_factory=dict)
    named: Mapping[tuple[DayKey, UUID], Place] = field(default_factory=dict)
    """The slots that commands name, as far as they are of the named day."""
    held: Mapping[tuple[DayKey, UUID | None], Holding] = field(default_factory=dict)
    """What the appointments that are to be moved have of the day that they ask for."""

    def settings_of(self, clinic_id: UUID) -> ClinicSettings:
        """A clinic that has not been heard of yet has the settings of a new one."""
        return self.settings.get(clinic_id) or ClinicSettings()

    def opens(self, clinic_id: UUID) -> datetime:
        """A slot that starts then or earlier cannot be booked any more."""
        return self.now + timedelta(minutes=self.settings_of(clinic_id).lead_time_minutes)


def is_late(command: SlotCommand, now: datetime) -> bool:
    """Whether the command's deadline is over: then nothing may be taken for it."""
    return command.decide_by < now


def date_refusal(day: date, zone: str, horizon_days: int, now: datetime) -> Code | None:
    """Today and later is bookable, in the zone of the day, up to the clinic's horizon."""
    today = now.astimezone(ZoneInfo(zone)).date()
    if day < today:
        return Code.PAST_DATE
    return Code.TOO_FAR if day > today + timedelta(days=horizon_days) else None


def judge(command: SlotCommand, world: World) -> Code | None:
    """Why a command is refused whatever is free, or None. The first reason wins."""
    if is_late(command, world.now):
        return Code.TOO_LATE
    scheduled = world.scheduled.get((command.clinic_id, command.doctor_id))
    if scheduled is None:
        return Code.UNKNOWN_DOCTOR
    if command.slot_id is not None and not _is_offered(command, command.slot_id, world):
        return Code.NO_SUCH_SLOT
    settings = world.settings_of(command.clinic_id)
    day = world.days.get(DayKey.of(command))
    zone = day.time_zone if day else settings.time_zone
    # A schedule makes its days up to its own horizon: behind that a missing day says nothing of it.
    published = HORIZON_DAYS if scheduled and day is None else settings.booking_horizon_days
    refused = date_refusal(command.date, zone, min(published, settings.booking_horizon_days), world.now)
    if refused is None and (day is None or not day.available):
        return Code.DOCTOR_ABSENT
    return refused


def _is_offered(command: SlotCommand, slot_id: UUID, world: World) -> bool:
    """Whether the slot that is named is one that can be asked for, free or not. An appointment may always keep its own."""
    place = world.named.get((DayKey.of(command), slot_id))
    if place is None:
        return False
    if place.holding and place.holding.appointment_id == mover(command):
        return True
    return place.published and (place.slot.starts_at is None or place.slot.starts_at > world.opens(command.clinic_id))


def days_to_make(commands: Iterable[SlotCommand], world: World) -> dict[DayKey, str]:
    """The days that commands may bring into being, with their zone: they are made where they are missing. A schedule's are made
    with their slots, and of a day that is missing nobody can name a slot."""
    wanted: dict[DayKey, str] = {}
    for command in commands:
        if command.slot_id is not None:
            continue
        settings = world.settings_of(command.clinic_id)
        daily = world.scheduled.get((command.clinic_id, command.doctor_id)) is False and not is_late(command, world.now)
        refused = date_refusal(command.date, settings.time_zone, settings.booking_horizon_days, world.now)
        if daily and refused is None and settings.default_daily_capacity > 0:
            wanted[DayKey.of(command)] = settings.time_zone
    return wanted


def open_from(world: World, days: Iterable[DayKey]) -> dict[DayKey, datetime]:
    """Of the timed ones of these days: a slot that starts then or earlier cannot be booked any more."""
    return {day: world.opens(day.clinic_id) for day in days if world.days[day].mode is Mode.TIMED}


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
