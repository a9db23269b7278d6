"""What patients have, and what collides in it: nobody is in two places at a time, nor keeps slots from others by many holds.

The tables have constraints for the same; these rules refuse before a statement would fail. Called by `service/`.
"""

from collections.abc import Iterable
from uuid import UUID

from services.booking.domain.appointments import Appointment
from services.booking.domain.keys import RowKey
from shared.contracts.appointments import Status

HOLDS_MAX = 3
"""Live holds of one patient."""


class PatientCalendar:
    """The live appointments of patients, with those that a batch has added or moved so far."""

    def __init__(self, live: Iterable[Appointment] = ()) -> None:
        self._of_patient: dict[RowKey, dict[UUID, Appointment]] = {}
        for appointment in live:
            self.enter(appointment)

    def enter(self, appointment: Appointment) -> None:
        """Enters an appointment, in place of what it was before: of two of one batch that collide, the first stands."""
        self._of_patient.setdefault(appointment.patient_key, {})[appointment.id] = appointment

    def collides(self, wanted: Appointment) -> bool:
        """Whether the patient is elsewhere at that time, or with that doctor on that day where the clinic allows it once only.

        The slot that an appointment has never stands in the way of its own move.
        """
        others = self._others(wanted)
        return any(_overlap(wanted, other) or (wanted.exclusive_day and _same_day(wanted, other)) for other in others)

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
