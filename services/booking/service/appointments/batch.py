"""The state of one batch of bookings and moves: what its messages are judged by, with what the batch has changed so far.

Made by `bookings.py` under the locks of the patients. Nothing is written before all messages of the batch are decided.
"""

from collections.abc import Mapping
from datetime import timedelta
from uuid import UUID

from services.booking.domain.appointments import Appointment, appointment_of
from services.booking.domain.keys import RowKey
from services.booking.domain.patient_calendar import PatientCalendar
from services.booking.repository.appointments import LockedAppointments
from services.booking.repository.patient_locks import LockedPatient
from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.infra.unit import Unit


class BookingBatch:
    """What a batch knows of patients, appointments and reservations. After it was read, only `book` and `move` change it."""

    def __init__(
        self,
        unit: Unit,
        decisions: Decisions,
        patients: Mapping[RowKey, LockedPatient],
        locked: LockedAppointments,
        held: set[UUID],
        holders: Mapping[RowKey, Appointment],
    ) -> None:
        """`patients` are the active ones by clinic and the id that a message names: a merged patient's key gives the survivor.

        `locked` are the appointments that the batch moves, `held` the reservations that live appointments hold, `holders` those
        appointments that have the slots which others were refused.
        """
        self.unit = unit.at(locked.at)
        self.decisions = decisions
        self.calendar = PatientCalendar()
        """What the patients have, as far as what the batch wants can collide with it."""
        self.changed: list[Appointment] = []
        """The appointments that the batch has booked and moved, in the order of its decisions, as they are to be written."""
        self._patients = patients
        self._appointments = dict(locked.found)
        self._cutoffs = locked.cutoffs
        self._held = held
        self._holders = holders

    def patient_of(self, message: SlotReserved | SlotKept | BookingRefused) -> LockedPatient | None:
        """The patient of a booking or a move, if it is active."""
        return self._patients.get((message.clinic_id, message.patient_id))

    def appointment_of(self, move: SlotReserved | SlotKept | BookingRefused) -> Appointment | None:
        """The appointment that a move names, as the batch has left it so far."""
        return None if move.appointment_id is None else self._appointments.get((move.clinic_id, move.appointment_id))

    def cutoff_of(self, appointment: Appointment) -> timedelta:
        """How long before its start a patient can no longer move a locked appointment."""
        return self._cutoffs[appointment.clinic_id]

    def is_held(self, message: SlotReserved | ReservationQuestioned) -> bool:
        """Whether a live appointment holds the message's reservation."""
        return message.reservation_id in self._held

    def holder_of(self, refused: BookingRefused) -> Appointment | None:
        """The live appointment that has the slot which was refused, also one that this batch has made or moved."""
        made = {one.id: one for one in self.changed}
        if refused.taken_by is None:
            return None
        found = made.get(refused.taken_by) or self._holders.get((refused.clinic_id, refused.taken_by))
        return found if found and found.is_live(self.unit.now) else None

    def wanted(self, reserved: SlotReserved) -> Appointment | None:
        """The appointment that a reservation makes, or moves, if nothing stands against it.

        None if the patient, or the appointment that is to be moved, is unknown.
        """
        patient = self.patient_of(reserved)
        if patient is None:
            return None
        if reserved.purpose.moves:
            before = self.appointment_of(reserved)
            return before and before.moved_to(reserved, exclusive_day=patient.one_booking_a_day, now=self.unit.now)
        return appointment_of(
            reserved,
            patient_id=patient.id,
            exclusive_day=patient.one_booking_a_day,
            hold_ttl=patient.hold_ttl,
            now=self.unit.now,
        )

    def book(self, appointment: Appointment) -> None:
        """Takes a new appointment: what comes behind it in the batch is judged with it."""
        self.changed.append(appointment)
        self._held.add(appointment.reservation_id)
        self.calendar.enter(appointment)

    def move(self, after: Appointment) -> Appointment:
        """Takes a moved appointment, and gives what it was before."""
        before, self._appointments[after.key] = self._appointments[after.key], after
        self.changed.append(after)
        self._held.discard(before.reservation_id)
        self._held.add(after.reservation_id)
        self.calendar.enter(after)
        return before
