"""Nothing overtakes an older row of its key, whatever becomes of that one on its way to Kafka."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import orjson
import pytest
from aiokafka.errors import KafkaTimeoutError

from shared.infra.kafka.records import Record
from shared.infra.outbox import Written
from shared.infra.runtime import Runtime
from tests.integration.infra.bench import Bench, note
from tests.support.waiting import eventually

DOCTOR = uuid4()
"""Everything is said about the same day: one key."""


class Producer:
    """Kafka's, of which a test decides what becomes of the next records."""

    def __init__(self, runtime: Runtime, monkeypatch: pytest.MonkeyPatch) -> None:
        self._send = runtime.producer.send
        self.next: list[Any] = []
        """Of each record: an error of the producer, what is answered for the acknowledgement, or an event it waits for."""
        self._publish_batch = runtime.outbox.publish
        self._begun = 0
        monkeypatch.setattr(runtime.producer, "send", self.send)
        monkeypatch.setattr(runtime.outbox, "publish", self.publish_batch)

    async def publish_batch(self, batch: Written) -> None:
        self._begun += 1
        await self._publish_batch(batch)

    async def has_begun_with_both(self) -> bool:
        """Two batches are committed, and on their way as far as they come: between this and that is no turn of the loop."""
        return self._begun == 2

    async def has_taken_them(self) -> bool:
        return not self.next

    async def send(self, record: Record) -> Any:
        fate = self.next.pop(0) if self.next else None
        if isinstance(fate, Exception):
            raise fate
        if isinstance(fate, asyncio.Future):
            return fate
        if isinstance(fate, asyncio.Event):
            await fate.wait()
        return await self._send(record)


@pytest.fixture
async def process(bench: Bench) -> AsyncIterator[Runtime]:
    """A process that publishes, and whose relay runs only when a test calls it."""
    runtime = await bench.connect()
    await runtime.producer.start()
    yield runtime
    await runtime.publisher.stop()


@pytest.fixture
def producer(process: Runtime, monkeypatch: pytest.MonkeyPatch) -> Producer:
    return Producer(process, monkeypatch)


async def say(process: Runtime, bench: Bench, *numbers: int) -> None:
    async with process.units.batch({bench.clinic}) as unit:
        for number in numbers:
            unit.emit(bench.topic, note(bench.clinic, number, doctor=DOCTOR))


async def published(bench: Bench) -> list[int]:
    """The numbers, each where it came first."""
    return list(dict.fromkeys(orjson.loads(record.value)["number"] for record in await bench.records(bench.topic.name)))


async def arrived(process: Runtime, bench: Bench, count: int) -> list[int]:
    """The numbers, once there are so many of them, with the relay's help."""

    async def all_of_them() -> list[int]:
        await process.outbox.relay_once(process.database.hot)
        numbers = await published(bench)
        return numbers if len(numbers) == count else []

    return await eventually(all_of_them)


async def say_one_behind_the_other(process: Runtime, bench: Bench, producer: Producer, go_on: asyncio.Event) -> None:
    """The second is written while the first is on its way; then that one goes on."""
    first = asyncio.ensure_future(say(process, bench, 1))
    await eventually(producer.has_taken_them)
    second = asyncio.ensure_future(say(process, bench, 2))
    await eventually(producer.has_begun_with_both)
    go_on.set()
    await asyncio.gather(first, second)


async def test_who_waits_to_hand_over_is_not_overtaken(bench: Bench, process: Runtime, producer: Producer) -> None:
    go_on = asyncio.Event()
    producer.next = [go_on]
    await say_one_behind_the_other(process, bench, producer, go_on)
    assert await arrived(process, bench, 2) == [1, 2]


async def test_what_was_not_taken_is_not_overtaken(bench: Bench, process: Runtime, producer: Producer) -> None:
    go_on = asyncio.Event()

    class RefusedLater(asyncio.Event):
        async def wait(self) -> Any:
            await go_on.wait()
            raise KafkaTimeoutError

    producer.next = [RefusedLater()]
    await say_one_behind_the_other(process, bench, producer, go_on)
    assert await published(bench) == []
    assert await arrived(process, bench, 2) == [1, 2]


async def test_what_a_producer_took_with_it_is_not_overtaken(bench: Bench, process: Runtime, producer: Producer) -> None:
    """It was given up for another record; of the first nobody hears any more."""
    silent, failed = (asyncio.get_running_loop().create_future() for _ in range(2))
    producer.next, streak = [silent, failed], process.publisher.streak
    first = asyncio.ensure_future(say(process, bench, 1, 2))
    await eventually(producer.has_taken_them)
    failed.set_exception(KafkaTimeoutError())

    async def given_up() -> bool:
        return process.publisher.streak != streak

    await eventually(given_up)
    await say(process, bench, 3)
    assert await published(bench) == []
    assert await arrived(process, bench, 3) == [1, 2, 3]
    silent.cancel()
    await first


async def test_what_was_written_before_a_failure_and_comes_behind_it_waits(
    bench: Bench, process: Runtime, producer: Producer
) -> None:
    """It was to follow at once what was on its way then."""
    failed = asyncio.get_running_loop().create_future()
    producer.next = [failed]
    first = asyncio.ensure_future(say(process, bench, 1))
    await eventually(producer.has_taken_them)
    async with process.units.batch({bench.clinic}) as unit:
        unit.emit(bench.topic, note(bench.clinic, 2, doctor=DOCTOR))
        second = await process.outbox.write(unit.connection, unit.emitted)
        unit.emitted.clear()
    failed.set_exception(KafkaTimeoutError())
    await first
    await process.outbox.publish(second)
    assert await published(bench) == []
    assert await arrived(process, bench, 2) == [1, 2]
