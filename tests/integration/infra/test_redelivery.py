"""Each message has its effect once, whatever is redelivered: crashes between the commits, rebalances, restarts, late starts."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any
from unittest.mock import AsyncMock

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.infra.inbox import Admitted
from shared.infra.kafka import broker
from shared.infra.kafka.publisher import Unconfirmed
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, note, take_notes
from tests.support.waiting import DEADLINE_SECONDS, eventually

SESSION_SECONDS = 10
"""So long a member that is gone keeps its partitions if it did not leave."""


def has(bench: Bench, *numbers: int) -> Callable[[], Awaitable[bool]]:
    """Whether exactly these effects are there, each once."""

    async def look() -> bool:
        found = await bench.numbers()
        assert found == sorted(numbers)
        return True

    return look


async def test_a_message_older_than_the_group_is_received(bench: Bench) -> None:
    await bench.send(note(bench.clinic, 1))
    await bench.consume()
    await eventually(has(bench, 1))


async def test_an_idle_consumer_waits_for_the_next_record_and_never_sleeps(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastStream's own loop sleeps after each look that finds nothing, and the next record waits for it."""
    looks, slept = 0, AsyncMock()
    look = AIOKafkaConsumer.getmany

    async def counted(self: AIOKafkaConsumer, *partitions: TopicPartition, **bounds: int) -> dict[TopicPartition, list[Any]]:
        nonlocal looks
        looks += 1
        return dict(await look(self, *partitions, **bounds))

    async def idle() -> bool:
        return looks > 2

    monkeypatch.setattr(AIOKafkaConsumer, "getmany", counted)
    monkeypatch.setattr(broker, "IDLE_WAIT_MS", 200)
    monkeypatch.setattr("faststream.kafka.subscriber.usecase.anyio.sleep", slept)
    await bench.consume()
    await eventually(idle)
    await bench.send(note(bench.clinic, 1))
    await eventually(has(bench, 1))
    slept.assert_not_awaited()


async def test_a_loop_that_an_error_ended_goes_on_and_readiness_knows(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """FastStream begins a new loop, and keeps the dead one in its list."""
    fetch, failed = AIOKafkaConsumer.getmany, asyncio.Event()

    async def fails_once(self: AIOKafkaConsumer, *partitions: TopicPartition, **bounds: int) -> dict[TopicPartition, list[Any]]:
        if not failed.is_set():
            failed.set()
            raise RuntimeError
        return dict(await fetch(self, *partitions, **bounds))

    running = await bench.consume()
    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails_once)
    await asyncio.wait_for(failed.wait(), DEADLINE_SECONDS)
    await bench.send(note(bench.clinic, 1))
    await eventually(has(bench, 1))
    assert running.consumer
    running.consumer.check()


async def test_a_client_that_gave_up_is_not_ready(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """A task of the client that an error ended is told at every look: the loop runs, and finds nothing for ever."""
    fetch, failed, whole = AIOKafkaConsumer.getmany, asyncio.Event(), asyncio.Event()

    async def fails(self: AIOKafkaConsumer, *partitions: TopicPartition, **bounds: int) -> dict[TopicPartition, list[Any]]:
        if not whole.is_set():
            failed.set()
            raise KafkaError("Unexpected error during coordination")
        return dict(await fetch(self, *partitions, **bounds))

    running = await bench.consume()
    assert running.consumer
    running.consumer.check()
    monkeypatch.setattr("faststream.kafka.subscriber.usecase.anyio.sleep", lambda _: whole.wait())
    monkeypatch.setattr(AIOKafkaConsumer, "getmany", fails)
    await asyncio.wait_for(failed.wait(), DEADLINE_SECONDS)
    with pytest.raises(ConnectionError):
        running.consumer.check()
    whole.set()
    await bench.send(note(bench.clinic, 1))
    await eventually(has(bench, 1))
    running.consumer.check()


async def test_a_transient_error_is_waited_out_with_the_offset_unmoved(bench: Bench) -> None:
    failing = asyncio.Event()
    failing.set()
    tries = 0

    async def fails_for_a_while(unit: Unit, admitted: Admitted) -> None:
        nonlocal tries
        tries += 1
        if failing.is_set():
            raise ConnectionResetError
        await take_notes(unit, admitted)

    await bench.send(note(bench.clinic, 1), note(bench.clinic, 2), partition=0)
    await bench.consume(fails_for_a_while)

    async def tried_often() -> bool:
        return tries > 6

    await eventually(tried_often)
    assert await bench.lag() == 2
    assert await bench.letters() == []
    failing.clear()
    await eventually(has(bench, 1, 2))


async def test_a_crash_between_sql_commit_and_offset_commit_gives_one_effect(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = await bench.consume()
    assert first.consumer

    async def dies(*_: Any) -> None:
        raise KafkaError

    monkeypatch.setattr(first.consumer.subscription.consumer, "commit", dies)
    await bench.send(*(note(bench.clinic, number) for number in range(10)))
    await eventually(has(bench, *range(10)))
    await bench.stop(first)
    assert await bench.lag() == 10

    await bench.consume()
    await bench.send(note(bench.clinic, 10))
    await eventually(has(bench, *range(11)))

    async def nothing_left() -> bool:
        return await bench.lag() == 0

    await eventually(nothing_left)


async def test_offsets_are_committed_partition_by_partition(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.send(note(bench.clinic, 1), note(bench.clinic, 2), partition=1)
    await bench.send(note(bench.clinic, 3), partition=3)
    runtime = await bench.consume()

    async def moved() -> bool:
        return await bench.lag() == 0

    await eventually(moved)
    assert runtime.consumer
    consumer: Any = runtime.consumer.subscription.consumer
    real = consumer.commit
    commits: list[dict[TopicPartition, int]] = []

    async def commit(offsets: dict[TopicPartition, int] | None = None) -> None:
        assert offsets is not None, "a bare commit would move partitions whose batch is not done"
        commits.append(offsets)
        await real(offsets)

    monkeypatch.setattr(consumer, "commit", commit)
    await bench.send(note(bench.clinic, 4), partition=1)
    await eventually(has(bench, 1, 2, 3, 4))
    await eventually(moved)
    assert commits == [{TopicPartition(bench.topic.name, 1): 3}]


async def test_a_rebalance_in_mid_batch_gives_one_effect_each(bench: Bench) -> None:
    """The second consumer is handed what the first one is still working on; the inbox makes it wait, and find it done."""
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(unit: Unit, admitted: Admitted) -> None:
        entered.set()
        await go_on.wait()
        await take_notes(unit, admitted)

    await bench.send(*(note(bench.clinic, number) for number in range(40)))
    await bench.consume(slow, "bench-1")
    await asyncio.wait_for(entered.wait(), 20)
    second = await bench.consume(take_notes, "bench-2")

    async def shared() -> bool:
        return bool(second.consumer and second.consumer.subscription.assigned)

    await eventually(shared)
    go_on.set()
    await eventually(has(bench, *range(40)))

    async def nothing_left() -> bool:
        return await bench.lag() == 0

    await eventually(nothing_left)
    assert await bench.numbers() == list(range(40))


async def test_stopping_leaves_the_group_at_once(bench: Bench) -> None:
    first = await bench.consume(instance="bench-1")
    await bench.send(note(bench.clinic, 1))
    await eventually(has(bench, 1))
    await bench.stop(first)
    began = time.monotonic()
    await bench.consume(instance="bench-2")
    await bench.send(note(bench.clinic, 2))
    await eventually(has(bench, 1, 2))
    assert time.monotonic() - began < SESSION_SECONDS / 2


async def test_stopping_finishes_the_batch_in_hand_and_commits_it(bench: Bench) -> None:
    entered, go_on = asyncio.Event(), asyncio.Event()

    async def slow(unit: Unit, admitted: Admitted) -> None:
        entered.set()
        await go_on.wait()
        await take_notes(unit, admitted)

    await bench.send(*(note(bench.clinic, number) for number in range(5)), partition=0)
    runtime = await bench.consume(slow)
    await asyncio.wait_for(entered.wait(), 20)
    stopping = asyncio.ensure_future(bench.stop(runtime))
    assert runtime.consumer
    await asyncio.wait_for(runtime.consumer.policy.stopping.wait(), 5)
    go_on.set()
    await asyncio.wait_for(stopping, 20)
    done = await bench.numbers()
    assert done
    assert await bench.lag() == 5 - len(done)


async def test_stopping_does_not_wait_for_an_error_to_pass(bench: Bench) -> None:
    tried = asyncio.Event()

    async def always_fails(unit: Unit, admitted: Admitted) -> None:
        tried.set()
        raise ConnectionResetError

    await bench.send(note(bench.clinic, 1))
    runtime = await bench.consume(always_fails)
    await asyncio.wait_for(tried.wait(), 20)
    await asyncio.wait_for(bench.stop(runtime), 10)
    assert await bench.lag() == 1
    await bench.consume()
    await eventually(has(bench, 1))


async def test_while_a_dead_letter_cannot_be_written_nothing_moves(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bad record is not lost, and what comes behind it waits."""
    tries = 0
    runtime = await bench.connect()
    runtime.consume([bench.topic], take_notes)

    async def refuses(*_: Any) -> None:
        nonlocal tries
        tries += 1
        raise Unconfirmed

    await bench.producer.send_and_wait(bench.topic.name, b"nonsense", partition=0)
    await bench.send(note(bench.clinic, 1), partition=0)
    with monkeypatch.context() as away:
        away.setattr(runtime.publisher, "send", refuses)
        await runtime.start()

        async def tried_often() -> bool:
            return tries > 2

        await eventually(tried_often)
        assert (await bench.numbers(), await bench.lag()) == ([], 2)
    await eventually(has(bench, 1))
    assert len(await bench.letters()) == 1
