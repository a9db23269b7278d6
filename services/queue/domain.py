"""The rules of a doctor's queue, without I/O: who gets which position.

Positions of a queue are 1..n without a gap, in the order in which the patients checked in, and none is ever given twice.
Called by `service.py` with what it read under the locks of the queues.
"""

import datetime as dt
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from shared.contracts.booking import PatientCheckedIn
from shared.contracts.envelope import DayMessage
from shared.contracts.queue import QueueEntryView, State


class QueueKey(NamedTuple):
    """Which queue: one per doctor and day. Its order is the order in which queues are locked."""

    clinic_id: UUID
    doctor_id: UUID
    date: dt.date


class AppointmentKey(NamedTuple):
    """The appointment of an entry: it has one at most."""

    clinic_id: UUID
    appointment_id: UUID


@dataclass(frozen=True)
class QueueDay:
    """The counters of a queue: the last position that was given, and one version more for each change."""

    last_position: int = 0
    version: int = 0


@dataclass(frozen=True)
class QueuedCheckIn:
    """A check-in with its entry, and the version of the queue that shows it. `is_new` unless it was queued before."""

    check_in: PatientCheckedIn
    entry: QueueEntryView
    version: int
    is_new: bool


def queue_of(message: DayMessage) -> QueueKey:
    """The queue of the day that a message is about."""
    return QueueKey(message.clinic_id, message.doctor_id, message.date)


def appointment_of(message: PatientCheckedIn) -> AppointmentKey:
    """The appointment that a patient came for."""
    return AppointmentKey(message.clinic_id, message.appointment_id)


def give_positions(
    check_ins: Iterable[PatientCheckedIn],
    queues: Mapping[QueueKey, QueueDay],
    entries: Mapping[AppointmentKey, QueueEntryView],
    new_id: Callable[[], UUID],
) -> tuple[list[QueuedCheckIn], dict[QueueKey, QueueDay]]:
    """Queues the patients in order of check-in. Answers the check-ins with their entries, and the queues as they are afterwards.

    An appointment that has an entry already, also from earlier in the same batch, keeps it.
    """
    after, known, queued = dict(queues), dict(entries), []
    for message in check_ins:
        key, appointment = queue_of(message), appointment_of(message)
        is_new = appointment not in known
        if is_new:
            after[key] = QueueDay(after[key].last_position + 1, after[key].version + 1)
            known[appointment] = _entry(message, new_id(), after[key].last_position)
        queued.append(QueuedCheckIn(message, known[appointment], after[key].version, is_new))
    return queued, after


def _entry(message: PatientCheckedIn, entry_id: UUID, position: int) -> QueueEntryView:
    return QueueEntryView(
        id=entry_id,
        appointment_id=message.appointment_id,
        doctor_id=message.doctor_id,
        patient_id=message.patient_id,
        date=message.date,
        position=position,
        state=State.WAITING,
        checked_in_at=message.checked_in_at,
    )
