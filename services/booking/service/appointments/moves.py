"""Moving an appointment: it gets the slot that was reserved for it and leaves its old one, in one update of its row.

Its id stays, and at every step it has exactly one slot: the new one is reserved before, the old one is released behind.
Several moves of one batch act one after the other. Called by `bookings.py`, under the locks of patients, then of appointments.
"""

from services.booking.domain.appointments import Appointment
from services.booking.domain.commands import is_late, refusal_of_move
from services.booking.service.appointments.batch import BookingBatch
from services.booking.service.appointments.events import emit_moved, emit_released
from services.booking.service.appointments.reservations import refuse_busy, refuse_reservation
from services.booking.service.outcomes.decisions import success
from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved
from shared.contracts.booking import Purpose, RescheduleAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code


def decide_move(batch: BookingBatch, reserved: SlotReserved) -> None:
    """Moves an appointment to the slot that was reserved for it, or refuses the reservation.

    A move is settled once the old slot is free; its `SlotReleased` carries the answer, which availability gives then.
    """
    after = _judge(batch, reserved)
    if isinstance(after, Code):
        refuse_reservation(batch.unit, batch.decisions, reserved, Answer.refusal(after))
        return
    if collision := batch.calendar.collision(after):
        refuse_busy(batch, reserved, after, collision)
        return
    before = batch.move(after)
    answer = success(after.view(batch.unit.now), 200)
    batch.decisions.decide(batch.unit, reserved, RescheduleAppointment.__name__, answer, settled=False)
    emit_moved(batch.unit, reserved, before, after)
    emit_released(batch.unit, reserved, before, answer)


def _judge(batch: BookingBatch, reserved: SlotReserved) -> Appointment | Code:
    """The appointment in its new slot, unless its patient has another one then, or why it stays where it is."""
    if is_late(reserved, batch.unit.now):
        return Code.TOO_LATE
    if code := refusal_of(batch, reserved):
        return code
    after = batch.wanted(reserved)
    assert after, "its patient and itself are known, or the move would be refused"
    return after


def decide_kept_slot(batch: BookingBatch, kept: SlotKept) -> None:
    """Decides a move to the slot that the appointment had already: if it still has it, nothing changes and no step is owed."""
    if is_late(kept, batch.unit.now):
        answer = Answer.refusal(Code.TOO_LATE)
    elif code := refusal_of(batch, kept):
        answer = Answer.refusal(code)
    else:
        answer = _answer_kept(batch, kept)
    batch.decisions.decide(batch.unit, kept, RescheduleAppointment.__name__, answer, settled=True)


def _answer_kept(batch: BookingBatch, kept: SlotKept) -> Answer:
    appointment = batch.appointment_of(kept)
    if appointment is None or appointment.reservation_id != kept.reservation_id:
        return Answer.refusal(Code.SLOT_TAKEN)
    return success(appointment.view(batch.unit.now), 200)


def refusal_of(batch: BookingBatch, move: SlotReserved | SlotKept | BookingRefused) -> Code | None:
    """What stands against a move, whatever its slot: an unknown patient or appointment, or what became of the appointment."""
    patient = batch.patient_of(move)
    if patient is None:
        return Code.UNKNOWN_PATIENT
    appointment = batch.appointment_of(move)
    # An appointment that had ended before its patient was merged keeps the old patient id.
    if appointment is None or appointment.patient_id not in (patient.id, move.patient_id):
        return Code.UNKNOWN_APPOINTMENT
    by_clinic = isinstance(move, SlotReserved | BookingRefused) and move.purpose is Purpose.DISPLACE
    code = refusal_of_move(appointment, batch.unit.now, None if by_clinic else batch.cutoff_of(appointment))
    return code or (Code.STALE if _has_moved_on(appointment, move) else None)


def _has_moved_on(appointment: Appointment, move: SlotReserved | SlotKept | BookingRefused) -> bool:
    """Whether somebody has moved the appointment away from the slot that a displacement is to replace."""
    replaced = move.instead_of if isinstance(move, SlotReserved) else None
    return replaced is not None and replaced != appointment.reservation_id
