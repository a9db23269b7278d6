"""What a transaction says is published after its commit, at least once, and in order within a key."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest

from shared.infra.outbox import Outbox
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, NoteTaken, note
from tests.support.kafka import KeptRecords
from tests.support.waiting import eventually


@pytest.fixture
async def process(bench: Bench) -> Runtime:
    """A process that publishes, and whose relay runs only when a test calls it."""
    runtime = await bench.connect()
    await runtime.producer.start()
    return runtime


def say(unit: Unit, bench: Bench, *messages: NoteTaken) -> None:
    """Emit messages on the test's topic."""
    for message in messages:
        unit.emit(bench.topic, message)


async def published(bench: Bench) -> list[int]:
    """Numbers in the topic, in the order of each partition."""
    return [orjson.loads(record.value)["number"] for record in await bench.records(bench.topic.name)]


async def rows(bench: Bench) -> int:
    """What stands in the outbox."""
    return int(await bench.sql.fetchval("SELECT count(*) FROM outbox WHERE clinic_id = $1", bench.clinic))


async def relayed(process: Runtime) -> bool:
    """One round of the relay; whether it found something old enough."""
    return await process.outbox.relay_once(process.database.hot) > 0


async def left_over(bench: Bench, doctor: UUID, *numbers: int) -> None:
    """Rows of a process that died between its commit and its publishing."""
    async with bench.sql.transaction():
        said = [(bench.topic, note(bench.clinic, number, doctor=doctor)) for number in numbers]
        await never_published().write(bench.sql, said)


def never_published() -> Outbox:
    """That of a process which ends right after its commit."""
    return Outbox(KeptRecords())


async def test_messages_of_one_key_keep_their_order(bench: Bench, process: Runtime) -> None:
    doctor = uuid4()
    for first in range(0, 30, 3):
        async with process.units.batch({bench.clinic}) as unit:
            say(unit, bench, *(note(bench.clinic, number, doctor=doctor) for number in range(first, first + 3)))
    assert await published(bench) == list(range(30))


async def test_published_rows_are_cleared_by_the_next_transaction_or_by_the_relay(bench: Bench, process: Runtime) -> None:
    for number in (1, 2):
        async with process.units.batch({bench.clinic}) as unit:
            say(unit, bench, note(bench.clinic, number))
    assert await rows(bench) == 1
    await process.outbox.relay_once(process.database.hot)
    assert await rows(bench) == 0
    assert sorted(await published(bench)) == [1, 2]


async def test_rows_of_a_crashed_process_are_relayed_by_another(bench: Bench, process: Runtime) -> None:
    await left_over(bench, uuid4(), 1, 2, 3)
    await eventually(lambda: relayed(process))
    assert await published(bench) == [1, 2, 3]
    assert await rows(bench) == 0


async def test_what_stands_behind_an_older_row_of_its_key_is_left_to_the_relay(bench: Bench, process: Runtime) -> None:
    waiting, free = uuid4(), uuid4()
    await left_over(bench, waiting, 1)
    async with process.units.batch({bench.clinic}) as unit:
        say(unit, bench, note(bench.clinic, 2, doctor=waiting), note(bench.clinic, 10, doctor=free))
    assert await published(bench) == [10]

    async def all_of_them() -> bool:
        await relayed(process)
        return len(await published(bench)) == 3

    await eventually(all_of_them)
    in_order = [number for number in await published(bench) if number != 10]
    assert in_order == [1, 2]


async def test_what_cannot_be_published_stays_and_is_no_error_of_the_batch(
    bench: Bench, process: Runtime, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuses(_records: list[Any]) -> list[Any]:
        return []

    with monkeypatch.context() as away:
        away.setattr(process.publisher, "hand_over", refuses)
        async with process.units.batch({bench.clinic}) as unit:
            say(unit, bench, note(bench.clinic, 1))
    assert await rows(bench) == 1
    await eventually(lambda: relayed(process))
    assert await published(bench) == [1]


async def test_nothing_is_published_of_a_transaction_that_failed(bench: Bench, process: Runtime) -> None:
    async def fails() -> None:
        async with process.units.batch({bench.clinic}) as unit:
            say(unit, bench, note(bench.clinic, 1))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fails()
    assert await rows(bench) == 0
    assert await published(bench) == []


async def test_a_late_commit_is_not_skipped(bench: Bench, process: Runtime) -> None:
    """Its row has a lower number than rows that were published before it became visible: no high-water mark may pass it."""
    opened, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with bench.sql.transaction():
            await never_published().write(bench.sql, [(bench.topic, note(bench.clinic, 1))])
            opened.set()
            await go_on.wait()

    task = asyncio.ensure_future(slow())
    await opened.wait()
    async with process.units.batch({bench.clinic}) as unit:
        say(unit, bench, note(bench.clinic, 2))
    await process.outbox.relay_once(process.database.hot)
    go_on.set()
    await task
    await eventually(lambda: relayed(process))
    assert sorted(await published(bench)) == [1, 2]


async def test_one_relay_at_a_time(bench: Bench, process: Runtime) -> None:
    await left_over(bench, uuid4(), 1)
    await bench.sql.execute("UPDATE outbox SET created_at = created_at - interval '1 minute'")
    other = await bench.connect("bench-2")
    async with other.database.hot.acquire() as connection, connection.transaction():
        await connection.fetchval("SELECT pg_advisory_xact_lock(hashtext('frontdesk.outbox.relay'))")
        assert not await relayed(process)
    assert await relayed(process)


async def test_a_process_relays_until_it_stops(bench: Bench) -> None:
    runtime = await bench.connect()
    await runtime.start()
    await left_over(bench, uuid4(), 1)

    async def there() -> bool:
        return await published(bench) == [1]

    await eventually(there)
    await asyncio.wait_for(bench.stop(runtime), 10)


async def test_publishing_after_the_producer_was_stopped_keeps_the_rows(bench: Bench, process: Runtime) -> None:
    """A request that outlives the producer at shutdown must end in a relay's hands, not in an error."""
    await process.producer.stop()
    async with process.units.batch({bench.clinic}) as unit:
        say(unit, bench, note(bench.clinic, 1))
    assert await rows(bench) == 1
