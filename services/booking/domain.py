"""Booking's rules without I/O: who is the same person, what a reservation becomes, and how an appointment goes on.

The clock is passed in. Each change of an appointment is a new value with the next version. Called by the use cases in `service/`.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from http import HTTPStatus
from uuid import UUID
from zoneinfo import ZoneInfo

from shared.contracts.appointments import LIVE, AppointmentView, Reason, Status
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment, Purpose
from shared.contracts.envelope import Message
from shared.contracts.problems import PROBLEMS, Code

HOLDS_MAX = 3
"""Live holds of one patient: nobody keeps places from others."""


@dataclass(frozen=True)
class Appointment:
    """An appointment as booking knows it; the fields are the columns of its row."""

    clinic_id: UUID
    id: UUID
    doctor_id: UUID
    patient_id: UUID
    date: dt.date
    time_zone: str
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    location_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None
    status: Status
    expires_at: datetime | None
    exclusive_day: bool
    version: int
    cancel_reason: Reason | None
    created_at: datetime
    updated_at: datetime
    command_id: UUID

    def today(self, now: datetime) -> dt.date:
        """The date where the appointment takes place."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def status_at(self, now: datetime) -> Status:
        """The status, also where a hold is over and nobody has written that down yet."""
        over = self.expires_at is not None and self.expires_at <= now
        return Status.EXPIRED if self.status is Status.PENDING and over else self.status

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is a hold that is over, and nobody has written that down yet."""
        return self.status is Status.PENDING and self.status_at(now) is Status.EXPIRED

    def is_live(self, now: datetime) -> bool:
        """Whether the appointment holds its slot."""
        return self.status_at(now) in LIVE

    def is_upcoming(self, now: datetime) -> bool:
        """Whether it lives and is today's or later where it takes place; what lives longer is history that nobody closed."""
        return self.is_live(now) and self.date >= self.today(now)

    @property
    def begins(self) -> datetime:
        """When it takes place; without a time, until the end of its day."""
        midnight = datetime.combine(self.date + timedelta(days=1), dt.time(), ZoneInfo(self.time_zone))
        return self.starts_at or midnight

    def changed(self, status: Status, now: datetime, reason: Reason | None = None) -> "Appointment":
        """The appointment after a change of status."""
        return replace(self, status=status, version=self.version + 1, cancel_reason=reason, updated_at=now)

    def confirmed(self, now: datetime) -> "Appointment":
        """A held appointment that is booked now, for good."""
        return replace(self.changed(Status.BOOKED, now), expires_at=None)


@dataclass(frozen=True)
class Person:
    """What tells one patient from another: all of it agrees, and what is missing agrees only with what is missing."""

    phone: str
    name_key: str
    date_of_birth: dt.date | None


def too_late(message: Message, now: datetime) -> bool:
    """Whether the time to decide the message's command is over."""
    return message.decide_by is not None and message.decide_by < now


def appointment_of(reserved: SlotReserved, *, exclusive_day: bool, hold_ttl: timedelta, now: datetime) -> Appointment:
    """The appointment that a reservation becomes if nothing stands against it: booked, or held for a while."""
    assert reserved.command_id
    held = reserved.purpose is Purpose.HOLD
    return Appointment(
        clinic_id=reserved.clinic_id,
        id=reserved.appointment_id,
        doctor_id=reserved.doctor_id,
        patient_id=reserved.patient_id,
        date=reserved.date,
        time_zone=reserved.time_zone,
        slot_id=reserved.slot_id,
        slot_number=reserved.slot_number,
        reservation_id=reserved.reservation_id,
        location_id=reserved.location_id,
        starts_at=reserved.starts_at,
        ends_at=reserved.ends_at,
        status=Status.PENDING if held else Status.BOOKED,
        expires_at=now + hold_ttl if held else None,
        exclusive_day=exclusive_day,
        version=1,
        cancel_reason=None,
        created_at=now,
        updated_at=now,
        command_id=reserved.command_id,
    )


def moved(appointment: Appointment, reserved: SlotReserved, *, exclusive_day: bool, now: datetime) -> Appointment:
    """The appointment in the place that was reserved for its move. Whatever else it is, it stays: a hold keeps its end."""
    return replace(
        appointment,
        doctor_id=reserved.doctor_id,
        date=reserved.date,
        time_zone=reserved.time_zone,
        slot_id=reserved.slot_id,
        slot_number=reserved.slot_number,
        reservation_id=reserved.reservation_id,
        location_id=reserved.location_id,
        starts_at=reserved.starts_at,
        ends_at=reserved.ends_at,
        exclusive_day=exclusive_day,
        version=appointment.version + 1,
        updated_at=now,
    )


def may_collide(appointment: Appointment) -> bool:
    """Whether an appointment can stand against another of its patient at all: by its day, its time, or as one hold too many."""
    return appointment.exclusive_day or appointment.starts_at is not None or appointment.status is Status.PENDING


class Diary:
    """What patients have: their live appointments, and those that the batch has added or moved so far."""

    def __init__(self, live: Iterable[Appointment]) -> None:
        self._of_patient: dict[tuple[UUID, UUID], dict[UUID, Appointment]] = {}
        for one in live:
            self.enter(one)

    def enter(self, appointment: Appointment) -> None:
        """Enters an appointment, in place of what it was before: of two of one batch that collide, the first stands."""
        self._of_patient.setdefault((appointment.clinic_id, appointment.patient_id), {})[appointment.id] = appointment

    def forbids(self, wanted: Appointment) -> bool:
        """Whether the patient is elsewhere at that time, or with that doctor on that day where the clinic allows it once only.

        The place that an appointment has never stands in the way of its own move.
        """
        others = self._others(wanted)
        return any(_overlap(wanted, other) or (wanted.exclusive_day and _same_day(wanted, other)) for other in others)

    def has_holds_enough(self, wanted: Appointment) -> bool:
        """Whether one hold more would be more than a patient may have."""
        held = [other for other in self._others(wanted) if other.status is Status.PENDING]
        return wanted.status is Status.PENDING and len(held) >= HOLDS_MAX

    def _others(self, wanted: Appointment) -> list[Appointment]:
        theirs = self._of_patient.get((wanted.clinic_id, wanted.patient_id), {}).values()
        return [other for other in theirs if other.id != wanted.id]


def clashes(moving: Iterable[Appointment], staying: Iterable[Appointment]) -> list[Appointment]:
    """Of the appointments of two patients, those that one patient alone cannot have: in the order of their ids."""
    theirs = list(staying)
    pairs = [(one, other) for one in moving for other in theirs if _clash(one, other)]
    return sorted({appointment.id: appointment for pair in pairs for appointment in pair}.values(), key=lambda found: found.id)


def _clash(one: Appointment, other: Appointment) -> bool:
    return _overlap(one, other) or ((one.exclusive_day or other.exclusive_day) and _same_day(one, other))


def _same_day(one: Appointment, other: Appointment) -> bool:
    return (one.doctor_id, one.date) == (other.doctor_id, other.date)


def _overlap(one: Appointment, other: Appointment) -> bool:
    if not (one.starts_at and one.ends_at and other.starts_at and other.ends_at):
        return False
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def code_of_refusal(availabilitys: Code, ours: Code | None) -> Code:
    """What availability's refusal ends as, if there is something against the command that only booking knows.

    What is unknown ranks above all but an unknown doctor and what was not judged; an appointment's status above a taken place.
    """
    if ours is None or availabilitys in (Code.TOO_LATE, Code.UNKNOWN_DOCTOR):
        return availabilitys
    above = PROBLEMS[ours].status == HTTPStatus.NOT_FOUND or PROBLEMS[availabilitys].status == HTTPStatus.CONFLICT
    return ours if above else availabilitys


AppointmentCommand = CancelAppointment | CheckInPatient | ConfirmAppointment

_NO_CANCEL = {
    Status.CHECKED_IN: Code.CHECKED_IN,
    Status.EXPIRED: Code.EXPIRED,
    Status.FULFILLED: Code.PAST,
    Status.NO_SHOW: Code.PAST,
}
_NO_MOVE = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.CHECKED_IN: Code.ALREADY_CHECKED_IN,
    Status.FULFILLED: Code.PAST,
    Status.NO_SHOW: Code.PAST,
}
_NO_CHECK_IN = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.CHECKED_IN: Code.ALREADY_CHECKED_IN,
    Status.FULFILLED: Code.ALREADY_CHECKED_IN,
    Status.PENDING: Code.NOT_CONFIRMED,
    Status.NO_SHOW: Code.PAST,
}
_NO_CONFIRM = {
    Status.CANCELLED: Code.CANCELLED,
    Status.EXPIRED: Code.EXPIRED,
    Status.NO_SHOW: Code.PAST,
}


def why_unmovable(appointment: Appointment, now: datetime, cutoff: timedelta | None) -> Code | None:
    """Why an appointment stays where it is, if it does. Without a cut-off it is the clinic that moves it."""
    if code := _NO_MOVE.get(appointment.status_at(now)):
        return code
    if appointment.date < appointment.today(now):
        return Code.PAST
    return Code.PAST_CUTOFF if cutoff is not None and appointment.begins <= now + cutoff else None


def apply(command: AppointmentCommand, appointment: Appointment | None, cutoff: timedelta, now: datetime) -> Appointment | Code:
    """The appointment after a command, or why not. Cancelling a cancelled one, or confirming a booked one, leaves it as it is."""
    if too_late(command, now):
        return Code.TOO_LATE
    if appointment is None:
        return Code.UNKNOWN_APPOINTMENT
    status = appointment.status_at(now)
    if isinstance(command, CancelAppointment):
        return _cancel(command, appointment, status, cutoff, now)
    if isinstance(command, ConfirmAppointment):
        return _confirm(appointment, status, now)
    return _check_in(command, appointment, status, now)


def _cancel(
    command: CancelAppointment, appointment: Appointment, status: Status, cutoff: timedelta, now: datetime
) -> Appointment | Code:
    if status is Status.CANCELLED:
        return appointment
    if status in _NO_CANCEL:
        return _NO_CANCEL[status]
    if appointment.date < appointment.today(now):
        return Code.PAST
    if appointment.begins <= now + cutoff:
        return Code.PAST_CUTOFF
    return appointment.changed(Status.CANCELLED, now, command.reason)


def _confirm(appointment: Appointment, status: Status, now: datetime) -> Appointment | Code:
    if status in _NO_CONFIRM:
        return _NO_CONFIRM[status]
    return appointment.confirmed(now) if status is Status.PENDING else appointment


def _check_in(command: CheckInPatient, appointment: Appointment, status: Status, now: datetime) -> Appointment | Code:
    if command.patient_id != appointment.patient_id:
        return Code.WRONG_PATIENT
    if appointment.date != appointment.today(now):
        return Code.NOT_TODAY
    return _NO_CHECK_IN.get(status) or appointment.changed(Status.CHECKED_IN, now)


def view(appointment: Appointment, now: datetime) -> AppointmentView:
    """An appointment as clients read it: a hold that is over is expired."""
    return AppointmentView(
        id=appointment.id,
        doctor_id=appointment.doctor_id,
        patient_id=appointment.patient_id,
        date=appointment.date,
        slot=appointment.slot_number,
        slot_id=appointment.slot_id,
        location_id=appointment.location_id,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
        status=appointment.status_at(now),
        expires_at=appointment.expires_at,
        version=appointment.version,
        created_at=appointment.created_at,
        updated_at=appointment.updated_at,
    )
