"""The use cases of the queue. Each gets a unit of work: it never commits and never publishes by itself.

Called by `handlers.py` for whole batches and by `routes.py` for reads.
"""

import datetime as dt
from uuid import UUID

from services.queue import repository
from services.queue.domain import AppointmentKey, appointment_of, day_of, give_positions
from shared.contracts.booking import AppointmentReassigned, PatientCheckedIn
from shared.contracts.commands import Answer, CommandRepeated
from shared.contracts.queue import PatientQueued, QueueEntryView, QueuePage
from shared.contracts.topics import QUEUE_EVENTS
from shared.infra.audit import Action
from shared.infra.forms import encode_cursor
from shared.infra.ids import new_id
from shared.infra.unit import RegistryUnit, Unit


async def queue_patients(unit: Unit, arrivals: list[PatientCheckedIn]) -> None:
    """Gives each patient the next position of the doctor's day, says so, and answers the check-in.

    Acts however late. Who is queued already gets no second entry, but is told and answered again: whoever asks twice may
    not have heard the first time.
    """
    days = await repository.lock_days(unit.connection, {day_of(message) for message in arrivals})
    entries = await repository.find_entries(unit.connection, {appointment_of(message) for message in arrivals})
    queued, after = give_positions(arrivals, days, entries, new_id)
    new = [(one.cause.clinic_id, one.entry) for one in queued if one.is_new]
    if new:
        await repository.write(unit.connection, new, {key: day for key, day in after.items() if day != days[key]})
    for one in queued:
        if one.is_new:
            place = {"appointment_id": one.entry.appointment_id, "position": one.entry.position}
            unit.record(one.cause, Action.ENTRY_QUEUED, one.entry.id, **place)
        queued_at = PatientQueued(
            **unit.envelope(one.cause),
            doctor_id=one.entry.doctor_id,
            date=one.entry.date,
            version=one.version,
            entry=one.entry,
        )
        unit.emit(QUEUE_EVENTS, queued_at)
        unit.reply(one.cause, answer_of(one.entry))


async def reassign(unit: Unit, messages: list[AppointmentReassigned]) -> None:
    """A merge gave appointments to another patient: their entries follow. One that nobody checked in has none."""
    last = {AppointmentKey(message.clinic_id, message.appointment_id): message for message in messages}
    found = await repository.reassign(unit.connection, {key: message.patient_id for key, message in last.items()})
    for key, entry_id in found.items():
        unit.record(last[key], Action.ENTRY_REASSIGNED, entry_id, appointment_id=key.appointment_id)


async def answer_again(unit: Unit, repeats: list[CommandRepeated]) -> None:
    """Answers repeated check-ins with the entry. One without an entry yet is answered when it gets its position."""
    ours = [(repeat, AppointmentKey(repeat.clinic_id, repeat.appointment_id)) for repeat in repeats if repeat.appointment_id]
    if not ours:
        return
    entries = await repository.find_entries(unit.connection, {key for _, key in ours})
    for repeat, key in ours:
        if key in entries:
            unit.reply(repeat, answer_of(entries[key]), replayed=True)


def answer_of(entry: QueueEntryView) -> Answer:
    """How a check-in ends: with the place in the queue."""
    return Answer(status_code=201, result=entry.model_dump(mode="json"))


async def read_queue(
    unit: RegistryUnit, clinic_id: UUID, doctor_id: UUID, date: dt.date, *, limit: int, after_position: int
) -> QueuePage:
    """A page of a doctor's queue in order of position. A doctor whom nobody waits for has an empty one."""
    entries = await repository.page(unit.sql, clinic_id, doctor_id, date, limit=limit + 1, after_position=after_position)
    items = entries[:limit]
    more = len(entries) > limit
    return QueuePage(items=items, next_cursor=encode_cursor(str(items[-1].position)) if more else None)
