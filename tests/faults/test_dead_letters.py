"""The topic of the dead letters is away when a record must go there: nothing behind it moves until it is written, once."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.stores.topics import create_topics
from shared.contracts.topics import BOOKING_COMMANDS
from tests.faults.load import booking
from tests.faults.rounds import TIMEOUT_SECONDS, Rounds, each_round
from tests.faults.system import System, instances
from tests.support.dates import in_days
from tests.support.kafka import records_of
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

GROUP = "availability"
LETTERS = BOOKING_COMMANDS.dead_letters(GROUP)
DOCTORS = 16
"""So many days are spread over the partitions of both processes."""
WITHIN_SECONDS = 60.0
MOVES = "availability-2"
DEFAULT_CLINIC = "00000000-0000-7000-8000-000000000001"

Away = Callable[[System], AbstractAsyncContextManager[None]]


@asynccontextmanager
async def admin_of(system: System) -> AsyncIterator[AIOKafkaAdminClient]:
    """A client that may do everything."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.servers.kafka_bootstrap)
    await admin.start()
    try:
        yield admin
    finally:
        await admin.close()


@asynccontextmanager
async def deleted(system: System) -> AsyncIterator[None]:
    """The topic is deleted, with what it held, and made again at the end."""

    async def gone() -> bool:
        async with admin_of(system) as admin:
            return LETTERS not in await admin.list_topics()

    async with admin_of(system) as admin:
        await admin.delete_topics([LETTERS])
    await eventually(gone)
    system.injected.clear()
    try:
        yield
    finally:
        await create_topics(system.servers.kafka_connection)


@asynccontextmanager
async def too_small(system: System) -> AsyncIterator[None]:
    """The topic takes no record of any size, until the end."""
    await _largest(system, 1)
    try:
        yield
    finally:
        await _largest(system, 8 * 1024 * 1024)


async def _largest(system: System, size: int) -> None:
    async with admin_of(system) as admin:
        await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, LETTERS, {"max.message.bytes": str(size)})])


@each_round
@pytest.mark.parametrize("away", [deleted, too_small])
async def test_a_letter_waits_for_its_topic(rounds: Rounds, away: Away, number: int) -> None:
    async with rounds.round(f"dead letters {away.__name__}", number) as played:
        system, client = rounds.system, played.client
        doctors, patients = await client.register(DOCTORS)
        tomorrow = in_days(1)
        body = f"no message {played.dice.random()}".encode()
        async with away(system):
            known = logged(system)
            place, offset = await write(system, f"{DEFAULT_CLINIC}:{doctors[0]}:{tomorrow}".encode(), body)
            system.injected.append(body)
            # The doctors in turns, so that those that are under way at once are spread over both processes.
            commands = [booking(doctor, patient, tomorrow) for patient in patients for doctor in doctors]
            work = asyncio.gather(*map(client.finish, commands))
            await eventually(lambda: tried(system, known), within_seconds=WITHIN_SECONDS)
            # Whoever tries to write the letter does nothing else; the other process goes on with its partitions.
            await client.after(ended=1)
            played.tell("letter refused")
            assert await committed(system, place) <= offset, "the record counts as done, and its letter does not exist"
            assert body not in await letters(system)
        played.tell("topic back")
        await work
        assert client.ends() == {("book", 201): len(commands)}
        assert (await letters(system)).count(body) == 1


async def test_a_letter_follows_its_partition(rounds: Rounds) -> None:
    """A process joins while another cannot write a letter: only one of them stands still from then on, and writes it.

    Mostly once. The one may just succeed while the other gets the partition: a letter is written at least once, as its offset is
    committed behind it, and a redriven copy has no second effect.
    """
    async with rounds.round("dead letters move") as played:
        system, client = rounds.system, played.client
        doctors, patients = await client.register(DOCTORS)
        tomorrow = in_days(1)
        body = f"no message {played.dice.random()}".encode()
        commands = [booking(doctor, patients[0], tomorrow) for doctor in doctors]
        await system.stop(MOVES)
        async with too_small(system):
            known = logged(system)
            await write(system, f"{DEFAULT_CLINIC}:{doctors[0]}:{tomorrow}".encode(), body)
            system.injected.append(body)
            await eventually(lambda: tried(system, known), within_seconds=WITHIN_SECONDS)
            await system.start(MOVES)
            played.tell(f"{MOVES} joined")
            work = asyncio.gather(*map(client.finish, commands))
            await client.after(ended=1)
        await work
        assert client.ends() == {("book", 201): len(commands)}
        assert 1 <= (await letters(system)).count(body) <= 2


async def write(system: System, key: bytes, body: bytes) -> tuple[TopicPartition, int]:
    """Puts a record among the commands; tells where it stands."""
    producer = AIOKafkaProducer(bootstrap_servers=system.servers.kafka_bootstrap)
    await producer.start()
    try:
        written = await producer.send_and_wait(BOOKING_COMMANDS.name, body, key=key)
    finally:
        await producer.stop()
    return TopicPartition(written.topic, written.partition), written.offset


async def committed(system: System, place: TopicPartition) -> int:
    """How far the group has come."""
    async with admin_of(system) as admin:
        offsets = await admin.list_consumer_group_offsets(GROUP)
    return offsets[place].offset if place in offsets else 0


async def letters(system: System) -> list[bytes]:
    """What is among the dead letters; nothing while their topic does not exist."""
    async with admin_of(system) as admin:
        if LETTERS not in await admin.list_topics():
            return []
    return [record.value for record in await records_of(system.servers.kafka_bootstrap, LETTERS, BOOKING_COMMANDS.partitions)]


async def tried(system: System, before: int) -> bool:
    """Whether a letter could not be written, twice by now."""
    return logged(system) >= before + 2


def logged(system: System) -> int:
    """How often a process said that a letter could not be written."""
    logs = [system.servers.logs / f"{name}.jsonl" for name in instances(GROUP)]
    return sum(log.read_text().count('"dead_letter_not_written"') for log in logs)
