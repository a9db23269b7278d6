"""The queue's batches on a real Postgres: positions, doubles, repeats and races."""

import asyncio
import datetime as dt
from uuid import UUID, uuid4

from services.queue.domain import QueueKey
from services.queue.repository import lock_queues
from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import Answer, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import QUEUE_EVENTS
from shared.infra.audit import Action
from shared.infra.ids import new_id
from shared.infra.postgres import Database
from shared.infra.unit import Unit
from tests.integration.queue.conftest import NOW, TODAY, checked_in, reassigned, run
from tests.support.messages import caused

DAYS = "SELECT doctor_id, date, last_position, version FROM queue_days WHERE clinic_id = $1 ORDER BY doctor_id, date"
ENTRIES = "SELECT appointment_id, position FROM entries WHERE clinic_id = $1 AND doctor_id = $2 ORDER BY position"


def queued(unit: Unit) -> list[PatientQueued]:
    """What the batch said, all of it on the queue's topic."""
    assert all(topic is QUEUE_EVENTS for topic, _ in unit.emitted)
    return [message for _, message in unit.emitted if isinstance(message, PatientQueued)]


def answers(unit: Unit) -> list[tuple[UUID | None, int, object, bool]]:
    return [(reply.command_id, reply.answer.status_code, reply.answer.result, reply.replayed) for reply in unit.replies]


async def rows(database: Database, clinic: UUID, sql: str, *args: object) -> list[tuple[object, ...]]:
    async with database.batch({clinic}) as (connection, _):
        return [tuple(row) for row in await connection.fetch(sql, clinic, *args)]


def repeat_of(message: Message, appointment: UUID | None) -> CommandRepeated:
    day = {"doctor_id": uuid4(), "date": TODAY}
    return caused(CommandRepeated, message, occurred_at=NOW, **day, appointment_id=appointment)


async def test_a_batch_gives_positions_in_order_and_says_and_answers_each(database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    first, second = checked_in(clinic_id, doctor), checked_in(clinic_id, doctor)
    unit = await run(database, first, second)
    events = queued(unit)
    assert [(e.entry.appointment_id, e.entry.position, e.version) for e in events] == [
        (first.appointment_id, 1, 1), (second.appointment_id, 2, 2),
    ]  # fmt: skip
    assert [(e.causation_id, e.command_id, e.key) for e in events] == [
        (m.message_id, m.command_id, m.key) for m in (first, second)
    ]
    assert answers(unit) == [(e.command_id, 201, e.entry.model_dump(mode="json"), False) for e in events]
    assert {reply.reply_partition for reply in unit.replies} == {3}
    assert await rows(database, clinic_id, DAYS) == [(doctor, TODAY, 2, 2)]


async def test_the_next_batch_goes_on_behind_the_last_and_days_count_apart(database: Database, clinic_id: UUID) -> None:
    doctor, other = uuid4(), uuid4()
    await run(database, checked_in(clinic_id, doctor))
    tomorrow = TODAY + dt.timedelta(days=1)
    unit = await run(
        database, checked_in(clinic_id, other), checked_in(clinic_id, doctor), checked_in(clinic_id, doctor, date=tomorrow)
    )
    assert [event.entry.position for event in queued(unit)] == [1, 2, 1]


async def test_a_second_check_in_of_an_appointment_is_told_its_entry_and_changes_nothing(
    database: Database, clinic_id: UUID
) -> None:
    doctor = uuid4()
    first = checked_in(clinic_id, doctor)
    before = queued(await run(database, first, checked_in(clinic_id, doctor)))[0]
    again = checked_in(clinic_id, doctor, appointment=first.appointment_id)
    unit = await run(database, again)
    assert [(e.entry, e.version, e.command_id) for e in queued(unit)] == [(before.entry, 2, again.command_id)]
    assert answers(unit) == [(again.command_id, 201, before.entry.model_dump(mode="json"), False)]
    assert [position for _, position in await rows(database, clinic_id, ENTRIES, doctor)] == [1, 2]


async def test_a_check_in_that_nobody_waits_for_is_queued_without_a_reply(database: Database, clinic_id: UUID) -> None:
    unit = await run(database, checked_in(clinic_id, uuid4(), partition=None))
    assert len(queued(unit)) == 1 and unit.replies == []


async def test_a_repeat_is_answered_with_the_entry_also_of_its_own_batch(database: Database, clinic_id: UUID) -> None:
    message = checked_in(clinic_id, uuid4())
    repeat = repeat_of(message, message.appointment_id)
    unit = await run(database, repeat, message)
    entry = queued(unit)[0].entry.model_dump(mode="json")
    assert answers(unit) == [(message.command_id, 201, entry, False), (message.command_id, 201, entry, True)]
    later = await run(database, repeat)
    assert later.emitted == [] and answers(later) == [(message.command_id, 201, entry, True)]


async def test_a_repeat_after_a_merge_is_answered_as_its_check_in_was(database: Database, clinic_id: UUID) -> None:
    message = checked_in(clinic_id, uuid4())
    decided = Answer(status_code=201, result={"id": str(message.appointment_id), "patient_id": str(message.patient_id)})
    repeat = repeat_of(message, message.appointment_id).model_copy(update={"answer": decided})
    entry = queued(await run(database, message))[0].entry.model_dump(mode="json")
    later = await run(database, reassigned(message, uuid4()), repeat)
    assert answers(later) == [(message.command_id, 201, entry, True)]


async def test_a_repeat_without_an_entry_or_of_another_kind_of_command_is_left_alone(database: Database, clinic_id: UUID) -> None:
    message = checked_in(clinic_id, uuid4())
    unit = await run(database, repeat_of(message, uuid4()), repeat_of(message, None))
    assert unit.emitted == [] and unit.replies == []


async def test_a_repeat_finds_no_entry_of_another_clinic(database: Database, clinic_id: UUID) -> None:
    theirs, ours = checked_in(uuid4(), uuid4()), checked_in(clinic_id, uuid4())
    await run(database, theirs)
    unit = await run(database, repeat_of(ours, theirs.appointment_id), repeat_of(theirs, None))
    assert unit.replies == []


async def test_batches_racing_for_one_day_give_each_position_once(database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    units = await asyncio.gather(
        *(run(database, checked_in(clinic_id, doctor), checked_in(clinic_id, doctor)) for _ in range(20))
    )
    events = [event for unit in units for event in queued(unit)]
    assert sorted(event.entry.position for event in events) == list(range(1, 41))
    assert {event.version for event in events} == set(range(1, 41))
    assert len(await rows(database, clinic_id, ENTRIES, doctor)) == 40


async def test_days_named_in_opposite_orders_are_locked_without_a_deadlock(database: Database, clinic_id: UUID) -> None:
    days = sorted(QueueKey(clinic_id, uuid4(), TODAY) for _ in range(300))

    async def lock(order: list[QueueKey]) -> int:
        async with database.batch({clinic_id}) as (connection, _):
            return len(await lock_queues(connection, order))

    await lock(days)
    assert await asyncio.gather(*(lock(days if n % 2 else days[::-1]) for n in range(40))) == [300] * 40


async def test_a_check_in_waits_for_the_day_that_another_holds(database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    await run(database, checked_in(clinic_id, doctor))
    async with database.batch({clinic_id}) as (holder, _):
        await holder.execute("UPDATE queue_days SET last_position = 7, version = 9 WHERE doctor_id = $1", doctor)
        waiting = asyncio.ensure_future(run(database, checked_in(clinic_id, doctor)))
        done, _pending = await asyncio.wait([waiting], timeout=0.2)
        assert not done, "the day's row excludes"
    event = queued(await waiting)[0]
    assert (event.entry.position, event.version) == (8, 10), "what was read before the lock would be 2"


VERSIONS = "SELECT version FROM entries WHERE clinic_id = $1 AND doctor_id = $2 ORDER BY position"


async def patients_of(database: Database, clinic: UUID, doctor: UUID) -> list[object]:
    """Who waits, in order of position."""
    sql = "SELECT patient_id FROM entries WHERE clinic_id = $1 AND doctor_id = $2 ORDER BY position"
    return [patient for (patient,) in await rows(database, clinic, sql, doctor)]


async def test_an_entry_follows_its_appointment_to_another_patient_and_keeps_its_position(
    database: Database, clinic_id: UUID
) -> None:
    doctor, survivor = uuid4(), uuid4()
    first, second = checked_in(clinic_id, doctor), checked_in(clinic_id, doctor)
    entries = [event.entry for event in queued(await run(database, first, second))]
    unit = await run(database, reassigned(first, survivor))
    assert (unit.emitted, unit.replies) == ([], [])
    (noted,) = unit.effects
    assert (noted.action, noted.subject_id, noted.detail) == (
        Action.ENTRY_REASSIGNED, entries[0].id, {"appointment_id": first.appointment_id},
    )  # fmt: skip
    assert await patients_of(database, clinic_id, doctor) == [survivor, second.patient_id]
    assert await rows(database, clinic_id, DAYS) == [(doctor, TODAY, 2, 3)], "one version more for the change"
    assert await rows(database, clinic_id, VERSIONS, doctor) == [(2,), (1,)]


async def test_an_older_merge_that_comes_again_leaves_the_entry_to_the_last_patient(database: Database, clinic_id: UUID) -> None:
    """As when a dead letter is redriven: whom it names was merged into another patient since."""
    doctor, survivor = uuid4(), uuid4()
    check_in = checked_in(clinic_id, doctor)
    await run(database, check_in, reassigned(check_in, survivor, version=4))
    for version in (4, 3):
        unit = await run(database, reassigned(check_in, uuid4(), version=version))
        assert unit.effects == []
    assert await patients_of(database, clinic_id, doctor) == [survivor]
    assert await rows(database, clinic_id, DAYS) == [(doctor, TODAY, 1, 2)]


async def test_a_merge_before_the_check_in_that_comes_behind_it_changes_nothing(database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    check_in = checked_in(clinic_id, doctor).model_copy(update={"version": 3})
    assert (await run(database, check_in, reassigned(check_in, uuid4(), version=2))).effects != []
    assert await patients_of(database, clinic_id, doctor) == [check_in.patient_id]
    assert await rows(database, clinic_id, VERSIONS, doctor) == [(1,)]


async def test_merges_of_one_appointment_in_one_batch_end_with_the_newest_version(database: Database, clinic_id: UUID) -> None:
    doctor, survivor = uuid4(), uuid4()
    check_in = checked_in(clinic_id, doctor)
    await run(database, check_in, reassigned(check_in, survivor, version=4), reassigned(check_in, uuid4(), version=3))
    assert await patients_of(database, clinic_id, doctor) == [survivor]


async def test_merges_beside_check_ins_of_one_day_count_each_once(database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    first = [checked_in(clinic_id, doctor) for _ in range(10)]
    await run(database, *first)
    merges = (run(database, reassigned(one, uuid4())) for one in first)
    await asyncio.gather(*merges, *(run(database, checked_in(clinic_id, doctor)) for _ in range(10)))
    assert await rows(database, clinic_id, DAYS) == [(doctor, TODAY, 20, 30)]


async def test_a_check_in_and_its_merges_in_one_batch_end_with_the_last_patient(database: Database, clinic_id: UUID) -> None:
    doctor, survivor = uuid4(), uuid4()
    check_in = checked_in(clinic_id, doctor)
    unit = await run(database, check_in, reassigned(check_in, uuid4()), reassigned(check_in, survivor, version=4))
    assert [effect.action for effect in unit.effects] == [Action.ENTRY_QUEUED, Action.ENTRY_REASSIGNED]
    assert await patients_of(database, clinic_id, doctor) == [survivor]


async def test_an_appointment_that_nobody_checked_in_or_another_clinic_s_changes_no_entry(
    database: Database, clinic_id: UUID
) -> None:
    theirs = checked_in(uuid4(), uuid4())
    await run(database, theirs)
    foreign = reassigned(theirs, uuid4()).model_copy(update={"clinic_id": clinic_id})
    unit = await run(database, reassigned(checked_in(clinic_id, uuid4()), uuid4()), foreign)
    assert unit.effects == []
    assert await patients_of(database, theirs.clinic_id, theirs.doctor_id) == [theirs.patient_id]


async def test_the_newest_settings_of_a_clinic_stay(database: Database, clinic_id: UUID) -> None:
    await run(database, clinic_changed(clinic_id, 3, "Asia/Hong_Kong"), clinic_changed(clinic_id, 2, "Europe/London"))
    await run(database, clinic_changed(clinic_id, 1, "UTC"))
    zone = "SELECT version, settings ->> 'time_zone' FROM clinic_settings WHERE clinic_id = $1"
    assert await rows(database, clinic_id, zone) == [(3, "Asia/Hong_Kong")]
    await run(database, clinic_changed(clinic_id, 4, "Europe/Paris"))
    assert await rows(database, clinic_id, zone) == [(4, "Europe/Paris")]


def clinic_changed(clinic: UUID, version: int, zone: str) -> ClinicChanged:
    return ClinicChanged(
        message_id=new_id(), clinic_id=clinic, correlation_id="test-1", actor="open", occurred_at=NOW, version=version,
        code="c", settings=ClinicSettings(time_zone=zone),
    )  # fmt: skip
