"""Moving an appointment: it gets the place that was reserved for it and gives its old one back, in one update of its row.

Its id stays, and at every step it has exactly one place: the new one is held before, the old one is given back behind.
Several moves of one batch act one after the other. Called by `bookings.py`, under the locks of patients, then of appointments.
"""

from services.booking import domain
from services.booking.domain import Appointment
from services.booking.service.appointments.batch import Desk
from services.booking.service.appointments.cancellations import give_back
from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved
from shared.contracts.booking import AppointmentMoved, Purpose, RescheduleAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action

Move = SlotReserved | SlotKept | BookingRefused

_AUDITED = {
    "doctor_id", "date", "slot_number", "slot_id", "reservation_id", "version", "from_doctor_id", "from_date",
}  # fmt: skip
"""What of a move its audit row has."""


def against(desk: Desk, move: Move) -> Code | None:
    """What stands against a move, wherever it goes: whom or what nobody knows, or what has become of the appointment."""
    patient = desk.patient_of(move)
    if patient is None:
        return Code.UNKNOWN_PATIENT
    appointment = _appointment(desk, move)
    # What was over when its patient was merged is still the old id's.
    if appointment is None or appointment.patient_id not in (patient.id, move.patient_id):
        return Code.UNKNOWN_APPOINTMENT
    by_clinic = isinstance(move, SlotReserved | BookingRefused) and move.purpose is Purpose.DISPLACE
    code = domain.why_unmovable(appointment, desk.unit.now, None if by_clinic else desk.cutoffs[move.clinic_id])
    return code or (Code.STALE if _is_elsewhere(appointment, move) else None)


def _is_elsewhere(appointment: Appointment, move: Move) -> bool:
    """Whether somebody has moved the appointment away from the place that a displacement is to replace."""
    replaced = move.instead_of if isinstance(move, SlotReserved) else None
    return replaced is not None and replaced != appointment.reservation_id


def wanted(desk: Desk, reserved: SlotReserved) -> Appointment | None:
    """The appointment in its new place, if both it and its patient are known."""
    patient, appointment = desk.patient_of(reserved), _appointment(desk, reserved)
    if patient is None or appointment is None:
        return None
    return domain.moved(appointment, reserved, exclusive_day=patient.one_booking_a_day, now=desk.unit.now)


def move_or_refuse(desk: Desk, reserved: SlotReserved) -> None:
    """The decision on a place that was reserved for a move."""
    after = wanted(desk, reserved)
    code = Code.TOO_LATE if domain.too_late(reserved, desk.unit.now) else against(desk, reserved)
    if after and code is None and not desk.diary.forbids(after):
        _move(desk, reserved, after)
    else:
        desk.refuse(reserved, code or Code.PATIENT_BUSY)


def _move(desk: Desk, reserved: SlotReserved, after: Appointment) -> None:
    """Said on the new day. The old place is given back on its own, with the answer, which the client gets once it is free."""
    key = after.clinic_id, after.id
    before, desk.moving[key] = desk.moving[key], after
    desk.waves.move(after)
    desk.held.discard(before.reservation_id)
    desk.held.add(after.reservation_id)
    desk.diary.enter(after)
    answer = _answer(desk, after)
    desk.decisions.decide(desk.unit, reserved, RescheduleAppointment, answer, settled=False)
    moved = AppointmentMoved(
        **desk.unit.envelope(reserved),
        doctor_id=after.doctor_id,
        date=after.date,
        version=after.version,
        appointment_id=after.id,
        patient_id=after.patient_id,
        slot_id=after.slot_id,
        slot_number=after.slot_number,
        reservation_id=after.reservation_id,
        status=after.status,
        from_doctor_id=before.doctor_id,
        from_date=before.date,
    )
    desk.unit.emit(APPOINTMENT_EVENTS, moved)
    desk.unit.record(reserved, Action.APPOINTMENT_MOVED, after.id, **moved.model_dump(include=_AUDITED))
    give_back(desk.unit, reserved, before, answer)


def keep_place(desk: Desk, kept: SlotKept) -> None:
    """The appointment had the asked place already. If it has it still, nothing changes and nobody owes a step."""
    if domain.too_late(kept, desk.unit.now):
        answer = Answer.refusal(Code.TOO_LATE)
    elif code := against(desk, kept):
        answer = Answer.refusal(code)
    else:
        appointment = desk.moving[kept.clinic_id, kept.appointment_id]
        there = appointment.reservation_id == kept.reservation_id
        answer = _answer(desk, appointment) if there else Answer.refusal(Code.SLOT_TAKEN)
    desk.decisions.decide(desk.unit, kept, RescheduleAppointment, answer, settled=True)


def _appointment(desk: Desk, move: Move) -> Appointment | None:
    return None if move.appointment_id is None else desk.moving.get((move.clinic_id, move.appointment_id))


def _answer(desk: Desk, appointment: Appointment) -> Answer:
    return Answer(status_code=200, result=domain.view(appointment, desk.unit.now).model_dump(mode="json"))
