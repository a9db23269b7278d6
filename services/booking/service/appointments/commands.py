"""The commands about appointments: confirm, cancel and check in. Several of one appointment in one batch act one after the other.

They are judged by the clock behind the locks: a confirmation that had to wait is none any more if the hold ended meanwhile.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from uuid import UUID

from services.booking import domain
from services.booking.domain import Appointment, AppointmentCommand
from services.booking.repository import appointments, patients
from services.booking.repository.patients import Key
from services.booking.service.appointments.cancellations import give_back, say_cancelled
from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.booking import AppointmentConfirmed, CancelAppointment, CheckInPatient, ConfirmAppointment, PatientCheckedIn
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.unit import Unit


async def decide_commands(unit: Unit, decisions: Decisions, messages: Sequence[AppointmentCommand]) -> None:
    """Applies the commands in the order of their arrival to locked appointments, and writes the final states at once."""
    locked = await appointments.lock(unit.connection, decisions.appointments, unit.now)
    found, unit = locked.found, unit.at(locked.at)
    current = dict(found)
    for message in await _for_survivors(unit, messages, found):
        key = (message.clinic_id, message.appointment_id)
        outcome = decisions.of(message)
        if outcome:
            decisions.answer_again(message, outcome)
            continue
        after = domain.apply(message, current.get(key), locked.cutoffs.get(message.clinic_id, timedelta()), unit.now)
        if isinstance(after, Code):
            decisions.decide(unit, message, type(message), Answer.refusal(after), settled=True)
            continue
        _say(unit, decisions, message, after, changed=after is not current[key])
        current[key] = after
    changed = [one for key, one in current.items() if one is not found[key]]
    if changed:
        await appointments.change(unit.connection, changed)


async def _for_survivors(
    unit: Unit, messages: Sequence[AppointmentCommand], found: Mapping[Key, Appointment]
) -> list[AppointmentCommand]:
    """The commands, each check-in under a merged patient's id as one of the survivor. Asks only if one names another patient."""
    strange = {
        (message.clinic_id, message.patient_id)
        for message in messages
        if isinstance(message, CheckInPatient)
        and (appointment := found.get((message.clinic_id, message.appointment_id)))
        and appointment.patient_id != message.patient_id
    }
    survivors = await patients.survivors(unit.connection, strange) if strange else {}
    return [_for_survivor(message, survivors) for message in messages]


def _for_survivor(message: AppointmentCommand, survivors: Mapping[Key, UUID]) -> AppointmentCommand:
    survivor = isinstance(message, CheckInPatient) and survivors.get((message.clinic_id, message.patient_id))
    return message.model_copy(update={"patient_id": survivor}) if survivor else message


def _say(unit: Unit, decisions: Decisions, message: AppointmentCommand, after: Appointment, *, changed: bool) -> None:
    if isinstance(message, CancelAppointment):
        _say_cancelled(unit, decisions, message, after, changed=changed)
    elif isinstance(message, ConfirmAppointment):
        _say_confirmed(unit, decisions, message, after, changed=changed)
    else:
        _say_checked_in(unit, decisions, message, after)


def _say_cancelled(unit: Unit, decisions: Decisions, message: CancelAppointment, after: Appointment, *, changed: bool) -> None:
    """The place is given back with the answer, which the client gets once it is free; also for one that was cancelled before."""
    answer = Answer(status_code=200, result=domain.view(after, unit.now).model_dump(mode="json"))
    decisions.decide(unit, message, CancelAppointment, answer, settled=False)
    if changed:
        say_cancelled(unit, message, after)
    give_back(unit, message, after, answer)


def _say_confirmed(unit: Unit, decisions: Decisions, message: ConfirmAppointment, after: Appointment, *, changed: bool) -> None:
    """Nobody owes a step. One that was confirmed before is answered as it is."""
    answer = Answer(status_code=200, result=domain.view(after, unit.now).model_dump(mode="json"))
    decisions.decide(unit, message, ConfirmAppointment, answer, settled=True)
    if not changed:
        return
    unit.record(message, Action.APPOINTMENT_CONFIRMED, after.id, version=after.version)
    confirmed = AppointmentConfirmed(
        **unit.envelope(message),
        doctor_id=after.doctor_id,
        date=after.date,
        version=after.version,
        appointment_id=after.id,
        patient_id=after.patient_id,
    )
    unit.emit(APPOINTMENT_EVENTS, confirmed)


def _say_checked_in(unit: Unit, decisions: Decisions, message: CheckInPatient, after: Appointment) -> None:
    """The queue gives the position, and with it the answer; until then the outcome holds the appointment."""
    answer = Answer(status_code=201, result=domain.view(after, unit.now).model_dump(mode="json"))
    decisions.decide(unit, message, CheckInPatient, answer, settled=False)
    unit.record(message, Action.APPOINTMENT_CHECKED_IN, after.id, version=after.version)
    checked_in = PatientCheckedIn(
        **unit.envelope(message),
        doctor_id=after.doctor_id,
        date=after.date,
        version=after.version,
        appointment_id=after.id,
        patient_id=after.patient_id,
        checked_in_at=after.updated_at,
    )
    unit.emit(APPOINTMENT_EVENTS, checked_in)
