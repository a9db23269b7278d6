"""The commands about appointments: confirm, cancel and check in. Several of one appointment in one batch act one after the other.

They are judged by the clock that was read behind the locks: a confirmation that waited for a lock while its hold ended comes too
late. Called by `handlers.py` in the transaction of a batch.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from services.booking.domain.appointments import Appointment
from services.booking.domain.commands import AppointmentCommand, apply
from services.booking.domain.keys import RowKey
from services.booking.repository import appointments, patient_locks
from services.booking.service.appointments.events import emit_cancelled, emit_checked_in, emit_confirmed, emit_released
from services.booking.service.outcomes.decisions import Decisions, success
from services.booking.service.outcomes.repeats import answer_repeat
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.unit import Unit


async def decide_commands(unit: Unit, decisions: Decisions, messages: Sequence[AppointmentCommand]) -> None:
    """Applies the commands in the order of their arrival to locked appointments, and writes the final states at once."""
    locked = await appointments.lock(unit.connection, decisions.named_appointments, unit.now)
    current, later = dict(locked.found), unit.at(locked.at)
    for command in await _for_survivors(unit, messages, locked.found):
        if outcome := decisions.of(command):
            answer_repeat(unit, command, outcome)
            continue
        key, cutoff = (command.clinic_id, command.appointment_id), locked.cutoffs.get(command.clinic_id, timedelta())
        after = _decide(later, decisions, command, current.get(key), cutoff)
        if after:
            current[key] = after
    changed = [appointment for key, appointment in current.items() if appointment is not locked.found[key]]
    if changed:
        await appointments.change(unit.connection, changed)


async def _for_survivors(
    unit: Unit, messages: Sequence[AppointmentCommand], found: Mapping[RowKey, Appointment]
) -> list[AppointmentCommand]:
    """The commands, each check-in under a merged patient's id as one of the survivor.

    Survivors are read only if a check-in names another patient than its appointment has.
    """
    others = {
        (message.clinic_id, message.patient_id)
        for message in messages
        if isinstance(message, CheckInPatient)
        and (appointment := found.get((message.clinic_id, message.appointment_id)))
        and appointment.patient_id != message.patient_id
    }
    if not others:
        return list(messages)
    survivors = await patient_locks.survivors(unit.connection, others)
    return [
        message.model_copy(update={"patient_id": survivor})
        if isinstance(message, CheckInPatient) and (survivor := survivors.get((message.clinic_id, message.patient_id)))
        else message
        for message in messages
    ]


def _decide(
    unit: Unit, decisions: Decisions, command: AppointmentCommand, before: Appointment | None, cutoff: timedelta
) -> Appointment | None:
    """Decides one command. Gives the appointment as it is then, or None if the command is refused."""
    after = apply(command, before, cutoff, unit.now)
    if isinstance(after, Code):
        decisions.decide(unit, command, command.type, Answer.refusal(after), settled=True)
        return None
    changed = after is not before
    if isinstance(command, CancelAppointment):
        _cancel(unit, decisions, command, after, changed=changed)
    elif isinstance(command, ConfirmAppointment):
        _confirm(unit, decisions, command, after, changed=changed)
    else:
        _check_in(unit, decisions, command, after)
    return after


def _cancel(unit: Unit, decisions: Decisions, command: CancelAppointment, after: Appointment, *, changed: bool) -> None:
    """The slot is released with the answer, which the client gets once it is free; also if it was cancelled before."""
    answer = success(after.view(unit.now), 200)
    decisions.decide(unit, command, command.type, answer, settled=False)
    if changed:
        emit_cancelled(unit, command, after)
    emit_released(unit, command, after, answer)


def _confirm(unit: Unit, decisions: Decisions, command: ConfirmAppointment, after: Appointment, *, changed: bool) -> None:
    """No step is owed: the client is answered at once; also if it was confirmed before."""
    decisions.decide(unit, command, command.type, success(after.view(unit.now), 200), settled=True)
    if changed:
        emit_confirmed(unit, command, after)


def _check_in(unit: Unit, decisions: Decisions, command: CheckInPatient, after: Appointment) -> None:
    """The queue gives the position, and with it the answer; until then the outcome holds the appointment."""
    decisions.decide(unit, command, command.type, success(after.view(unit.now), 201), settled=False)
    emit_checked_in(unit, command, after)
