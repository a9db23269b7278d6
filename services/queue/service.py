"""The use cases of the queue. Each gets a unit of work: it never commits and never publishes by itself.

Called by `handlers.py` for whole batches and by `routes.py` for reads.
"""

from collections.abc import Sequence
from uuid import UUID

from services.queue import repository
from services.queue.domain import AppointmentKey, QueuedCheckIn, QueueKey, appointment_of, give_positions, queue_of
from shared.contracts.booking import AppointmentReassigned, PatientCheckedIn
from shared.contracts.commands import Answer, CommandRepeated
from shared.contracts.queue import PatientQueued, QueueEntryView, QueuePage
from shared.contracts.topics import QUEUE_EVENTS
from shared.infra.audit import Action
from shared.infra.forms import encode_cursor
from shared.infra.unit import RegistryUnit, Unit


async def queue_patients(unit: Unit, check_ins: Sequence[PatientCheckedIn]) -> None:
    """Gives each patient the next position of the doctor's queue, emits `PatientQueued`, and answers the check-in.

    Acts however late. A patient who is queued already gets no second entry, but is told and answered again: a check-in that
    comes twice may not have been answered the first time.
    """
    queues = await repository.lock_queues(unit.connection, {queue_of(message) for message in check_ins})
    entries = await repository.find_entries(unit.connection, {appointment_of(message) for message in check_ins})
    queued, after = give_positions(check_ins, queues, entries, unit.new_id)
    new = [one for one in queued if one.is_new]
    if new:
        await repository.write(unit.connection, new, {key: day for key, day in after.items() if day != queues[key]})
    for one in queued:
        _emit_queued(unit, one)


def _emit_queued(unit: Unit, queued: QueuedCheckIn) -> None:
    entry = queued.entry
    if queued.is_new:
        place = {"appointment_id": entry.appointment_id, "position": entry.position}
        unit.record(queued.check_in, Action.ENTRY_QUEUED, entry.id, **place)
    message = PatientQueued(
        **unit.envelope(queued.check_in),
        doctor_id=entry.doctor_id,
        date=entry.date,
        version=queued.version,
        entry=entry,
    )
    unit.emit(QUEUE_EVENTS, message)
    unit.reply(queued.check_in, answer_of(entry))


async def reassign(unit: Unit, messages: Sequence[AppointmentReassigned]) -> None:
    """A merge gave appointments to another patient: their entries follow, unless they follow a newer version already.

    One that nobody checked in has no entry. A change counts in the versions of the entry and of its queue.
    """
    by_version = sorted(messages, key=lambda message: message.version)
    last = {AppointmentKey(message.clinic_id, message.appointment_id): message for message in by_version}
    await repository.lock_existing_queues(unit.connection, {queue_of(message) for message in last.values()})
    found = await repository.reassign(unit.connection, last.values())
    for key, entry_id in found.items():
        unit.record(last[key], Action.ENTRY_REASSIGNED, entry_id, appointment_id=key.appointment_id)


async def answer_again(unit: Unit, repeats: Sequence[CommandRepeated]) -> None:
    """Answers repeated check-ins with the entry. One without an entry yet is answered when it gets its position.

    A merge may have given the entry to another patient since: a repeat is told the patient of its check-in, as the first was.
    """
    check_ins = [(repeat, AppointmentKey(repeat.clinic_id, repeat.appointment_id)) for repeat in repeats if repeat.appointment_id]
    if not check_ins:
        return
    entries = await repository.find_entries(unit.connection, {key for _, key in check_ins})
    for repeat, key in check_ins:
        if key in entries:
            unit.reply(repeat, answer_of(_as_checked_in(entries[key], repeat)), replayed=True)


def _as_checked_in(entry: QueueEntryView, repeat: CommandRepeated) -> QueueEntryView:
    appointment = repeat.answer.result if repeat.answer else None
    return entry.model_copy(update={"patient_id": UUID(appointment["patient_id"])}) if appointment else entry


def answer_of(entry: QueueEntryView) -> Answer:
    """How a check-in ends: with the entry of the queue."""
    return Answer(status_code=201, result=entry.model_dump(mode="json"))


async def read_queue(unit: RegistryUnit, queue: QueueKey, *, limit: int, after_position: int) -> QueuePage:
    """A page of a doctor's queue in order of position. A doctor whom nobody waits for has an empty one."""
    entries = await repository.page(unit.sql, queue, limit=limit + 1, after_position=after_position)
    items = entries[:limit]
    more = len(entries) > limit
    return QueuePage(items=items, next_cursor=encode_cursor(str(items[-1].position)) if more else None)
