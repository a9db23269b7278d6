"""What the commands of a batch are refused for whatever is free, and which days they bring into being. Without I/O.

Called by `slots/batch.py` and `slots/reserve.py` with what was read under locks, and the time on the database's clock. Which
slot each other command gets is decided by `reservations.py`.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from services.availability.domain.dates import doctor_zone
from services.availability.domain.days import BookableDoctor, Day, DayKey, DoctorKey, bookable_after, date_refusal
from services.availability.domain.slots import NamedSlot, Reservation
from shared.contracts.booking import BookAppointment, BusyTime, RescheduleAppointment
from shared.contracts.calendar import HORIZON_DAYS
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code

SlotCommand = BookAppointment | RescheduleAppointment
"""A command that asks for a slot of a day: one that it names, or any."""


def appointment_to_move(command: SlotCommand) -> UUID | None:
    """The appointment that the command moves, if it does."""
    return command.appointment_id if isinstance(command, RescheduleAppointment) else None


def doctor_of(command: SlotCommand) -> DoctorKey:
    """The doctor of whom a slot is asked for."""
    return DoctorKey(command.clinic_id, command.doctor_id)


@dataclass(frozen=True)
class BatchSnapshot:
    """What a batch is judged by: read under the locks that hold until its commit."""

    now: datetime
    settings: Mapping[UUID, ClinicSettings]
    """Those of each clinic with a command in time."""
    doctors: Mapping[DoctorKey, BookableDoctor]
    """The doctors that are active."""
    days: Mapping[DayKey, Day] = field(default_factory=dict)
    named_slots: Mapping[tuple[DayKey, UUID], NamedSlot] = field(default_factory=dict)
    """The slots that commands name, as far as they are of the named day."""
    reservations: Mapping[tuple[DayKey, UUID | None], Reservation] = field(default_factory=dict)
    """By appointment that is to be moved: the slot that it has already of the day that is asked for."""
    busy: Mapping[UUID, Sequence[BusyTime]] = field(default_factory=dict)
    """By the message of a command that asks again for any slot of a day: when its patient has no time."""

    def zone_of(self, command: SlotCommand) -> str:
        """The zone of a day that has no record yet."""
        doctor = self.doctors[doctor_of(command)]
        return doctor_zone(doctor.location_zones, self.settings[command.clinic_id].time_zone)

    def bookable_after(self, clinic_id: UUID) -> datetime:
        """A slot that starts then or earlier cannot be booked any more."""
        return bookable_after(self.settings[clinic_id], self.now)


def is_late(command: SlotCommand, now: datetime) -> bool:
    """Whether the command's deadline is over: then nothing may be taken for it."""
    return command.decide_by < now


def command_refusal(command: SlotCommand, snapshot: BatchSnapshot) -> Code | None:
    """Why a command is refused whatever is free, or None. The first reason wins."""
    if is_late(command, snapshot.now):
        return Code.TOO_LATE
    doctor = snapshot.doctors.get(doctor_of(command))
    if doctor is None:
        return Code.UNKNOWN_DOCTOR
    if command.slot_id is not None and (refused := _slot_refusal(command, command.slot_id, snapshot)):
        return refused
    settings = snapshot.settings[command.clinic_id]
    day = snapshot.days.get(DayKey.of(command))
    zone = day.time_zone if day else snapshot.zone_of(command)
    # A schedule makes its days up to its own horizon: behind that a missing day says nothing of it.
    horizon_days = HORIZON_DAYS if doctor.scheduled and day is None else settings.booking_horizon_days
    refused = date_refusal(command.date, zone, min(horizon_days, settings.booking_horizon_days), snapshot.now)
    if refused is None and (day is None or not day.available):
        return Code.DOCTOR_ABSENT
    return refused


def _slot_refusal(command: SlotCommand, slot_id: UUID, snapshot: BatchSnapshot) -> Code | None:
    """Why the slot that is named cannot be asked for, free or not. An appointment may always keep its own."""
    named = snapshot.named_slots.get((DayKey.of(command), slot_id))
    if named is None:
        return Code.NO_SUCH_SLOT
    if named.reservation and named.reservation.appointment_id == appointment_to_move(command):
        return None
    starts_at = named.slot.starts_at
    if not named.published or (starts_at and starts_at <= snapshot.now):
        return Code.NO_SUCH_SLOT
    return Code.TOO_SOON if starts_at and starts_at <= snapshot.bookable_after(command.clinic_id) else None


def days_to_make(commands: Iterable[SlotCommand], snapshot: BatchSnapshot) -> dict[DayKey, str]:
    """The days that commands may bring into being, with their zone: they are made where they are missing.

    A schedule's days are made with their slots, and of a day that is missing nobody can name a slot.
    """
    missing: dict[DayKey, str] = {}
    for command in commands:
        doctor = snapshot.doctors.get(doctor_of(command))
        if command.slot_id is not None or is_late(command, snapshot.now) or doctor is None or doctor.scheduled:
            continue
        settings = snapshot.settings[command.clinic_id]
        if not settings.default_daily_capacity:
            continue
        zone = snapshot.zone_of(command)
        if date_refusal(command.date, zone, settings.booking_horizon_days, snapshot.now) is None:
            missing[DayKey.of(command)] = zone
    return missing
