"""Kafka goes away while clients post: they learn what is certain, reads go on, and once it is back each key has one outcome."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any, cast

import httpx2
import pytest
from aiokafka import TopicPartition
from aiokafka.errors import NotLeaderForPartitionError, ProducerClosed

from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra.clockwork import Clock
from shared.infra.kafka.producer import Producer
from shared.infra.kafka.publisher import Publisher, Unconfirmed
from shared.infra.kafka.records import Record
from shared.infra.settings import KafkaSettings
from tests.faults.client import API, Client, Command
from tests.faults.load import booking, bookings
from tests.faults.rounds import TIMEOUT_SECONDS, Rounds
from tests.faults.system import System
from tests.support.dates import in_days

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

AWAY_SECONDS = 7.0
"""Longer than a request to the broker may take, so that requests are given up and sent again."""

Away = Callable[[System], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def killed(system: System) -> AsyncIterator[None]:
    """Kafka is killed, and started again at the end."""
    await system.crash("kafka")
    try:
        yield
    finally:
        await system.start("kafka")


@asynccontextmanager
async def frozen(system: System) -> AsyncIterator[None]:
    """Kafka stands still for longer than a request to it may take."""
    async with system.frozen("kafka"):
        until = time.monotonic() + AWAY_SECONDS
        yield
        await asyncio.sleep(max(0.0, until - time.monotonic()))


@pytest.mark.parametrize("away", [killed, frozen])
async def test_posts_while_kafka_is_away(rounds: Rounds, away: Away) -> None:
    async with rounds.round(f"kafka {away.__name__}") as played:
        client = played.client
        [doctor], patients = await client.register()
        before = await client.finish(booking(doctor, patients[0], in_days()))
        commands = bookings(doctor, patients, days=6, per_day=4)
        async with away(rounds.system):
            for wave in (commands[:12], commands[12:]):
                answers = await asyncio.gather(*map(client.post, wave))
                for command, answer in zip(wave, answers, strict=True):
                    assert answer is not None
                    await says_what_is_certain(client, command, answer)
            codes = {command.told[0].code for command in commands}
            assert codes == {"unknown", "not_accepted"}, "the first were handed over, the others refused at once"
            read = await client.http.get(f"{API}/appointments/{before.result['id']}")
            assert (read.status_code, read.json()) == (200, before.result)
        played.tell("kafka back")

        later = [booking(doctor, patients[0], in_days(day)) for day in range(10, 34)]
        await asyncio.gather(*map(client.finish, commands + later))
        assert client.ends() == {("book", 201): 1 + 24 + 24}
        await client.one_look_each()


async def says_what_is_certain(client: Client, command: Command, answer: httpx2.Response) -> None:
    """503 either way: `unknown` with the way back to it, or `not_accepted` with when to try again."""
    assert answer.status_code == 503, answer.text
    if answer.json()["code"] == "not_accepted":
        assert int(answer.headers["Retry-After"]) >= 1
        return
    assert answer.json()["code"] == "unknown"
    assert answer.headers["Idempotency-Key"] == command.key
    assert answer.headers["Command-Id"] == answer.json()["command_id"]
    look = await client.http.get(answer.headers["Location"])
    assert (look.status_code, look.json()["status"]) == (202, "running")


RECORD = Record(GATEWAY_REPLIES.name, b"key", b"{}", "test", partition=0)
PARTITION = TopicPartition(RECORD.topic, 0)


@asynccontextmanager
async def publishing(system: System) -> AsyncIterator[tuple[Publisher, Producer]]:
    """A publisher that has written, and its producer."""
    settings = KafkaSettings(bootstrap_servers=system.servers.kafka_bootstrap)
    producer = Producer(settings, "publisher-test", Clock())
    publisher = Publisher(producer)
    await producer.start()
    try:
        await publisher.send(RECORD)
        yield publisher, producer
    finally:
        await publisher.stop()
        await producer.stop()


async def test_a_producer_that_the_broker_refuses_for_ever_is_replaced(system: System) -> None:
    async with publishing(system) as (publisher, producer):
        stuck: Any = producer._current
        # What a batch leaves behind that was given up: its sequence number is used, and never comes.
        stuck._txn_manager.increment_sequence_number(PARTITION, 1)
        with pytest.raises(Unconfirmed, match="OutOfOrderSequenceNumber"):
            await publisher.send(RECORD)
        await publisher.send(RECORD)
        assert await publisher.send_all([RECORD, RECORD]) == [True, True]
        assert producer._current is not stuck


async def test_what_a_producer_holds_that_failed_is_not_sent(system: System) -> None:
    """It would arrive before what failed, which is sent again later."""
    async with publishing(system) as (publisher, producer):
        failing: Any = producer._current
        failing._sender._muted_partitions.add(PARTITION)  # as while a request for it is on the wire
        handed = await publisher.hand_over([RECORD])
        on_the_wire = failing._message_accumulator._pop_batch(PARTITION)
        handed += await publisher.hand_over([RECORD])
        on_the_wire.failure(NotLeaderForPartitionError())
        assert await publisher.acknowledged(handed, of=2) == [False, False]
        assert isinstance(cast(Any, handed[1]).exception(), ProducerClosed)
        assert await publisher.send_all([RECORD]) == [True]
