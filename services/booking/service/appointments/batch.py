"""The desk of one batch: what its bookings and moves are judged by, what has become of them so far, and what is said of them.

Opened by `bookings.py` under the locks of the patients. Nothing is written before all messages of the batch are decided.
"""

import datetime as dt
from collections import Counter
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TypedDict
from uuid import UUID

from services.booking.domain import Appointment, Diary
from services.booking.repository import appointments, holds
from services.booking.repository.patients import Key, Locked
from services.booking.service.outcomes.decisions import Command, Decisions, answer_to
from shared.contracts.appointments import Status
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.contracts.booking import AppointmentRefused, BookAppointment, RescheduleAppointment, ReservationKept, SlotReleased
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.postgres import Connection
from shared.infra.unit import Unit


class Waves:
    """What a batch writes: the nth move of a patient in the nth wave, and behind it what the patient then books.

    So no constraint meets a state that the diary has not judged, and a batch without moves is written by one statement.
    """

    def __init__(self) -> None:
        self._moves: Counter[Key] = Counter()
        self._moved: dict[int, list[Appointment]] = {}
        self._booked: dict[int, list[Appointment]] = {}

    def book(self, appointment: Appointment) -> None:
        """A new appointment, as the last of its patient so far."""
        self._booked.setdefault(self._moves[_patient(appointment)], []).append(appointment)

    def move(self, appointment: Appointment) -> None:
        """A moved appointment, as the last of its patient so far."""
        self._moves[_patient(appointment)] += 1
        self._moved.setdefault(self._moves[_patient(appointment)], []).append(appointment)

    async def write(self, connection: Connection) -> None:
        """Writes all of it, a statement for each kind of a wave."""
        for wave in sorted(self._moved.keys() | self._booked.keys()):
            if moved := self._moved.get(wave):
                await appointments.move(connection, moved)
            if booked := self._booked.get(wave):
                await appointments.insert(connection, booked)
        if held := [one for wave in self._booked.values() for one in wave if one.status is Status.PENDING]:
            await holds.start(connection, held)


def _patient(appointment: Appointment) -> Key:
    return appointment.clinic_id, appointment.patient_id


@dataclass
class Desk:
    """What one batch's bookings and moves are judged by, and what they write."""

    unit: Unit
    decisions: Decisions
    active: dict[Key, Locked] = field(default_factory=dict)
    """The active patients by clinic and the id that a message names; who was merged stands for the survivor."""
    held: set[UUID] = field(default_factory=set)
    """Reservations that live appointments hold."""
    moving: dict[Key, Appointment] = field(default_factory=dict)
    """The locked appointments that moves name, as the batch has left them so far."""
    cutoffs: dict[UUID, timedelta] = field(default_factory=dict)
    """How long before they begin nobody may move them any more, by clinic."""
    diary: Diary = field(default_factory=lambda: Diary(()))
    waves: Waves = field(default_factory=Waves)

    def patient_of(self, message: SlotReserved | SlotKept | BookingRefused) -> Locked | None:
        """For whom a booking is, if that patient is active."""
        return self.active.get((message.clinic_id, message.patient_id))

    def answer_or_release(self, reserved: SlotReserved, outcome: Outcome) -> None:
        """A reservation whose command is decided already: given back, unless a live appointment holds exactly it."""
        if reserved.reservation_id in self.held:
            self.decisions.answer_again(reserved, outcome)
        else:
            self._release(reserved, answer_to(reserved, outcome))

    def keep_or_release(self, questioned: ReservationQuestioned, outcome: Outcome | None) -> None:
        """Whether a reservation is held is decided here alone. One that is not, and whose command nobody decided, was lost."""
        if questioned.reservation_id in self.held:
            self._keep(questioned)
            return
        answer = answer_to(questioned, outcome) if outcome else Answer.refusal(Code.LOST)
        if outcome is None:
            self.decisions.decide(self.unit, questioned, command_of(questioned), answer, settled=False)
        self._release(questioned, answer)

    def refuse(self, reserved: SlotReserved, code: Code) -> None:
        """Decided here, settled and answered once availability has freed the place."""
        answer = Answer.refusal(code)
        self.decisions.decide(self.unit, reserved, command_of(reserved), answer, settled=False)
        self.unit.emit(APPOINTMENT_EVENTS, AppointmentRefused(**self.unit.envelope(reserved), **_place(reserved), answer=answer))

    def _release(self, reserved: SlotReserved | ReservationQuestioned, answer: Answer) -> None:
        self.unit.emit(APPOINTMENT_EVENTS, SlotReleased(**self.unit.envelope(reserved), **_place(reserved), answer=answer))

    def _keep(self, questioned: ReservationQuestioned) -> None:
        self.unit.emit(APPOINTMENT_EVENTS, ReservationKept(**self.unit.envelope(questioned), **_place(questioned)))


class _Place(TypedDict):
    """What names a reservation in every message about it."""

    doctor_id: UUID
    date: dt.date
    appointment_id: UUID
    slot_id: UUID
    reservation_id: UUID


def _place(reserved: SlotReserved | ReservationQuestioned) -> _Place:
    return _Place(
        doctor_id=reserved.doctor_id,
        date=reserved.date,
        appointment_id=reserved.appointment_id,
        slot_id=reserved.slot_id,
        reservation_id=reserved.reservation_id,
    )


def command_of(message: SlotReserved | BookingRefused | ReservationQuestioned) -> Command:
    """Which command a reservation, or its refusal, carries on."""
    return RescheduleAppointment if message.purpose.moves else BookAppointment
