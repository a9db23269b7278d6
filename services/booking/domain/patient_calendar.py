"""What patients have, and what collides in it: nobody is in two places at a time, nor keeps slots from others by many holds.

The tables have constraints for the same; these rules refuse before a statement would fail. Called by `service/`.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.domain.keys import RowKey
from shared.contracts.appointments import Status

HOLDS_MAX = 3
"""Live holds of one patient."""


class Collision(NamedTuple):
    """An appointment that a wanted one collides with: by its time, or because one a day with the same doctor is allowed."""

    other: Appointment
    same_day: bool = False


class PatientCalendar:
    """The live appointments of patients, with those that a batch has added or moved so far."""

    def __init__(self, live: Iterable[Appointment] = ()) -> None:
        self._of_patient: dict[RowKey, dict[UUID, Appointment]] = {}
        for appointment in live:
            self.enter(appointment)

    def enter(self, appointment: Appointment) -> None:
        """Enters an appointment, in place of what it was before: of two of one batch that collide, the first stands."""
        self._of_patient.setdefault(appointment.patient_key, {})[appointment.id] = appointment

    def collision(self, wanted: Appointment) -> Collision | None:
        """What stands in the way: the patient is with that doctor that day, where one a day is allowed, or elsewhere then.

        The slot that an appointment has never stands in the way of its own move.
        """
        others = self._others(wanted)
        same_day = (Collision(other, same_day=True) for other in others if wanted.exclusive_day and _same_day(wanted, other))
        return next(same_day, None) or next((Collision(other) for other in others if _overlap(wanted, other)), None)

    def busy_times(self, wanted: Appointment) -> list[tuple[datetime, datetime]]:
        """When the patient is elsewhere around that day, as starts and ends in order."""
        return sorted((one.starts_at, one.ends_at) for one in self._others(wanted) if one.starts_at and one.ends_at)

    def has_too_many_holds(self, wanted: Appointment) -> bool:
        """Whether the wanted appointment is a hold more than a patient may have."""
        held = [other for other in self._others(wanted) if other.status is Status.PENDING]
        return wanted.status is Status.PENDING and len(held) >= HOLDS_MAX

    def _others(self, wanted: Appointment) -> list[Appointment]:
        theirs = self._of_patient.get(wanted.patient_key, {}).values()
        return [other for other in theirs if other.id != wanted.id]


def may_collide(appointment: Appointment) -> bool:
    """Whether an appointment can collide with another of its patient at all: by its day, its time, or as one hold too many."""
    return appointment.exclusive_day or appointment.starts_at is not None or appointment.status is Status.PENDING


def collisions(moving: Iterable[Appointment], staying: Iterable[Appointment]) -> list[Appointment]:
    """Of the appointments of two patients, those that one patient alone cannot have: in the order of their ids."""
    theirs = list(staying)
    pairs = [(one, other) for one in moving for other in theirs if _collide(one, other)]
    return sorted({appointment.id: appointment for pair in pairs for appointment in pair}.values(), key=lambda found: found.id)


def _collide(one: Appointment, other: Appointment) -> bool:
    return _overlap(one, other) or ((one.exclusive_day or other.exclusive_day) and _same_day(one, other))


def _same_day(one: Appointment, other: Appointment) -> bool:
    return (one.doctor_id, one.date) == (other.doctor_id, other.date)


def _overlap(one: Appointment, other: Appointment) -> bool:
    if not (one.starts_at and one.ends_at and other.starts_at and other.ends_at):
        return False
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
