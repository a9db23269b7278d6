"""The commands about appointments: cancel and check in. Several of one appointment in one batch act one after the other."""

from collections.abc import Sequence

from services.booking import domain
from services.booking.domain import Appointment, AppointmentCommand
from services.booking.repository import appointments
from services.booking.service.decisions import Decisions
from shared.contracts.booking import AppointmentCancelled, CancelAppointment, CheckInPatient, PatientCheckedIn, SlotReleased
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.unit import Unit


async def decide_commands(unit: Unit, decisions: Decisions, messages: Sequence[AppointmentCommand]) -> None:
    """Applies the commands in the order of their arrival to locked appointments, and writes the final states at once."""
    found = await appointments.lock(unit.connection, {(message.clinic_id, message.appointment_id) for message in messages})
    current = dict(found)
    for message in messages:
        key = (message.clinic_id, message.appointment_id)
        outcome = decisions.of(message)
        if outcome:
            decisions.answer_again(message, outcome)
            continue
        after = domain.apply(message, current.get(key), unit.now)
        if isinstance(after, Code):
            decisions.decide(message, type(message), Answer.refusal(after), settled=True)
            continue
        _say(unit, decisions, message, after, changed=after is not current[key])
        current[key] = after
    changed = [one for key, one in current.items() if one is not found[key]]
    if changed:
        await appointments.change(unit.connection, changed)


def _say(unit: Unit, decisions: Decisions, message: AppointmentCommand, after: Appointment, *, changed: bool) -> None:
    if isinstance(message, CancelAppointment):
        _say_cancelled(unit, decisions, message, after, changed=changed)
    else:
        _say_checked_in(unit, decisions, message, after)


def _say_cancelled(unit: Unit, decisions: Decisions, message: CancelAppointment, after: Appointment, *, changed: bool) -> None:
    """The place is given back with the answer, which the client gets once it is free; also for one that was cancelled before."""
    answer = Answer(status_code=200, result=domain.view(after).model_dump(mode="json"))
    decisions.decide(message, CancelAppointment, answer, settled=False)
    day = {"doctor_id": after.doctor_id, "date": after.date, "appointment_id": after.id}
    if changed:
        patient = {"patient_id": after.patient_id, "reason": after.cancel_reason, "version": after.version}
        unit.emit(APPOINTMENT_EVENTS, AppointmentCancelled, message, **day, **patient)
        unit.record(message, Action.APPOINTMENT_CANCELLED, after.id, reason=after.cancel_reason, version=after.version)
    place = {"slot_id": after.slot_id, "reservation_id": after.reservation_id}
    unit.emit(APPOINTMENT_EVENTS, SlotReleased, message, **day, **place, answer=answer)


def _say_checked_in(unit: Unit, decisions: Decisions, message: CheckInPatient, after: Appointment) -> None:
    """The queue gives the position, and with it the answer; until then the outcome holds the appointment."""
    answer = Answer(status_code=201, result=domain.view(after).model_dump(mode="json"))
    decisions.decide(message, CheckInPatient, answer, settled=False)
    unit.record(message, Action.APPOINTMENT_CHECKED_IN, after.id, version=after.version)
    unit.emit(
        APPOINTMENT_EVENTS,
        PatientCheckedIn,
        message,
        version=after.version,
        doctor_id=after.doctor_id,
        date=after.date,
        appointment_id=after.id,
        patient_id=after.patient_id,
        checked_in_at=after.updated_at,
    )
