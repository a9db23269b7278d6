"""A tiny service for the tests of `shared/infra`: a table of effects, a command, an event, topics and groups of its own."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any, ClassVar, Literal
from uuid import UUID, uuid4

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from pydantic import SecretStr

from deploy.stores.topics import topic_config
from shared.contracts.envelope import DayMessage
from shared.contracts.topics import MAX_RECORD_BYTES, Topic
from shared.infra.ids import new_id
from shared.infra.inbox import Admitted
from shared.infra.kafka.consumer import FailureHandler
from shared.infra.kafka.records import encode
from shared.infra.runtime import Runtime
from shared.infra.settings import KafkaSettings, PostgresSettings, RedisSettings, ServiceSettings
from shared.infra.unit import Unit
from tests.support.kafka import Raw, ends_of, records_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
Handler = Callable[[Unit, Admitted], Awaitable[None]]


class NoteTaken(DayMessage):
    """An event; its effect is one row."""

    type: Literal["NoteTaken"] = "NoteTaken"
    number: int


class TakeNote(DayMessage):
    """A command; its effect is one row."""

    is_command: ClassVar[bool] = True
    type: Literal["TakeNote"] = "TakeNote"
    number: int


def note(clinic: UUID, number: int, *, doctor: UUID | None = None, message_id: UUID | None = None) -> NoteTaken:
    """An event; without a doctor its key is its own."""
    return NoteTaken(
        message_id=message_id or new_id(), clinic_id=clinic, correlation_id="bench", actor="open", occurred_at=NOW,
        doctor_id=doctor or uuid4(), date=date(2026, 3, 2), number=number,
    )  # fmt: skip


def command(clinic: UUID, number: int, *, message_id: UUID | None = None, body_hash: str = "aa") -> TakeNote:
    """A command whose repeat has the same id."""
    return TakeNote(
        message_id=message_id or new_id(), clinic_id=clinic, correlation_id="bench", actor="open", occurred_at=NOW,
        command_id=new_id(), body_hash=body_hash, reply_partition=0, doctor_id=uuid4(), date=date(2026, 3, 2), number=number,
    )  # fmt: skip


async def take_notes(unit: Unit, admitted: Admitted) -> None:
    """The plain handler: a row for each fresh message."""
    fresh = [message for message in admitted.fresh if isinstance(message, NoteTaken | TakeNote)]
    await unit.connection.execute(
        "INSERT INTO notes (message_id, clinic_id, number) SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[])",
        [message.message_id for message in fresh],
        [message.clinic_id for message in fresh],
        [message.number for message in fresh],
    )


@dataclass
class Bench:
    """Topic, group, clinic and connections of one test."""

    bootstrap: str
    postgres_url: str
    redis_url: str
    topic: Topic
    group: str
    clinic: UUID
    producer: AIOKafkaProducer
    sql: "asyncpg.Connection[asyncpg.Record]"
    running: list[Runtime] = field(default_factory=list)
    timeouts: dict[str, int] = field(default_factory=dict)
    """Settings of Postgres, of the runtimes that are connected from now on."""
    more: list[Topic] = field(default_factory=list)
    """What else the group reads beside the test's topic."""

    async def connect(self, instance: str = "bench", **kafka: Any) -> Runtime:
        """A runtime that consumes nothing."""
        settings = ServiceSettings(
            instance=instance,
            postgres=PostgresSettings.model_validate({"url": self.postgres_url, "pool_size": 4, **self.timeouts}),
            kafka=KafkaSettings(bootstrap_servers=self.bootstrap, **kafka),
            redis=RedisSettings(url=SecretStr(self.redis_url)),
        )
        self.running.append(await Runtime.connect(self.group, settings))
        return self.running[-1]

    async def consume(
        self, handler: Handler = take_notes, instance: str = "bench", failed: FailureHandler | None = None, **kafka: Any
    ) -> Runtime:
        """A runtime that consumes the test's topic."""
        runtime = await self.connect(instance, **kafka)
        runtime.consume([self.topic, *self.more], handler, failed=failed)
        await runtime.start()
        return runtime

    async def stop(self, runtime: Runtime) -> None:
        """Stop it now, as SIGTERM would."""
        self.running.remove(runtime)
        await runtime.stop()

    async def send(self, *messages: DayMessage, partition: int | None = None) -> None:
        """Write messages in order and wait for all acknowledgements."""
        sent = [
            await self.producer.send(self.topic.name, encode(message), key=message.key, partition=partition)
            for message in messages
        ]
        await asyncio.gather(*sent)

    async def numbers(self) -> list[int]:
        """The effects so far, in order of number; a doubled effect would stand here twice."""
        rows = await self.sql.fetch("SELECT number FROM notes WHERE clinic_id = $1 ORDER BY number", self.clinic)
        return [row["number"] for row in rows]

    async def lag(self, topic: Topic | None = None) -> int:
        """Records of a topic, the test's own if none is named, that the group has not committed."""
        topic = topic or self.topic
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            committed = await admin.list_consumer_group_offsets(self.group)
        finally:
            await admin.close()
        ends = await ends_of(self.bootstrap, [topic])
        return sum(end - max(0, committed[place].offset if place in committed else 0) for place, end in ends.items())

    async def letters(self, group: str | None = None) -> list[Raw]:
        """Everything in the dead-letter topic."""
        return await self.records(self.topic.dead_letters(group or self.group))

    async def records(self, topic: str) -> list[Raw]:
        """Everything in a topic, partition by partition."""
        return await records_of(self.bootstrap, topic, self.topic.partitions)

    async def make(self, *topics: Topic) -> None:
        """Make topics with the settings they declare."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.bootstrap)
        await admin.start()
        try:
            wanted = [NewTopic(topic.name, topic.partitions, 1, topic_configs=topic_config(topic)) for topic in topics]
            await admin.create_topics(wanted)
        finally:
            await admin.close()


def letters_of(topic: Topic, group: str) -> Topic:
    """The dead-letter topic of a test's topic, as the declared ones are made."""
    return Topic(
        topic.dead_letters(group), topic.key, (), (), partitions=topic.partitions, max_message_bytes=2 * MAX_RECORD_BYTES
    )


@asynccontextmanager
async def producer_on(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A client that writes whatever a test wants written, good or bad."""
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all", max_request_size=2 * MAX_RECORD_BYTES)
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
