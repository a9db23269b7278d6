"""The four services in this process, each put together by its own `app.py`: real stores, Kafka in memory, no network.

Their consumers, jobs and relays run as they do in processes. What is another here is only what a process reaches others by: the
broker and the producer that it makes, the partitions of its replies, and the owners that the gateway calls.
"""

import importlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI
from faststream.kafka import TestKafkaBroker

from services.gateway.clinics import cache
from services.gateway.owners.client import AVAILABILITY, BOOKING, QUEUE, Owners
from shared.contracts.commands import CommandAnswered
from shared.contracts.envelope import ClientCommand, Message
from shared.contracts.topics import ALL_TOPICS, Topic
from shared.infra import runtime
from shared.infra.ids import new_id
from shared.infra.kafka.broker import make_broker
from shared.infra.kafka.records import decode, record_of
from shared.infra.kafka.stream import Stream
from shared.infra.runtime import Runtime
from tests.support.in_memory_kafka import InMemoryKafka

Settings = Callable[[str], Any]
M = TypeVar("M", bound=Message)

OWNERS = (AVAILABILITY, BOOKING, QUEUE)
REPLY_PARTITION = 5
TOPICS = {topic.name: topic for topic in ALL_TOPICS}


@dataclass(frozen=True)
class InProcess:
    """The running services, and what was said between them about one clinic."""

    clinic_id: UUID
    kafka: InMemoryKafka
    apps: dict[str, FastAPI]
    owners: dict[str, httpx2.AsyncClient]
    """Internal HTTP, as the gateway calls it."""

    @property
    def gateway(self) -> FastAPI:
        """The application that a `Clinic` speaks to."""
        return self.apps["gateway"]

    async def log(self) -> list[tuple[Topic, Message]]:
        """Every message with its topic, in order; read when all is delivered."""
        await self.kafka.quiet()
        return [(topic, message) for topic, message in self._messages() if message.clinic_id == self.clinic_id]

    async def said(self, kind: type[M]) -> list[M]:
        """Every message of a type, in order."""
        return [message for _, message in await self.log() if type(message) is kind]

    async def counts(self, *kinds: type[Message]) -> list[int]:
        """How many messages of each type there are."""
        return [len(await self.said(kind)) for kind in kinds]

    async def send(self, topic: Topic, message: Message) -> list[CommandAnswered]:
        """Writes a message, and answers the replies that it led to."""
        before = len(await self.log())
        await self.kafka.send(record_of(topic, message))
        return [reply for _, reply in (await self.log())[before:] if isinstance(reply, CommandAnswered)]

    async def redeliver(self, kind: type[Message]) -> list[CommandAnswered]:
        """Writes the last message of a type once more, and answers the replies that it led to."""
        return await self.send(*await self._last(kind))

    async def another(self, kind: type[ClientCommand], **fields: Any) -> tuple[Topic, Message]:
        """Another command like the last of its kind, with other fields, as if no gateway had judged them."""
        topic, last = await self._last(kind)
        return topic, last.model_copy(update={"message_id": new_id(), "command_id": new_id(), **fields})

    async def answer_to_another(self, kind: type[ClientCommand], **fields: Any) -> CommandAnswered:
        """The one reply to `another` command."""
        topic, command = await self.another(kind, **fields)
        (reply,) = await self.send(topic, command)
        assert (reply.command_id, reply.reply_partition) == (command.command_id, REPLY_PARTITION)
        assert reply.correlation_id == command.correlation_id
        return reply

    @contextmanager
    def away(self, service: str) -> Iterator[None]:
        """While it lasts the service leaves alone whatever it is sent; Kafka would deliver that later, as `redeliver` does."""
        consumer = self._runtime(service).consumer
        assert consumer is not None
        consumer.policy.stopping.set()
        yield
        consumer.policy.stopping.clear()

    async def unsent(self) -> int:
        """How many rows of the outboxes wait for a relay. The rows that were published go first."""
        left = 0
        for service in self.apps:
            process = self._runtime(service)
            await process.outbox.relay_once(process.database.hot)
            count = await process.database.hot.fetchval("SELECT count(*) FROM outbox WHERE clinic_id = $1", self.clinic_id)
            left += int(count)
        return left

    async def _last(self, kind: type[Message]) -> tuple[Topic, Message]:
        return next(said for said in reversed(await self.log()) if type(said[1]) is kind)

    def _messages(self) -> Iterator[tuple[Topic, Message]]:
        for record in self.kafka.records:
            topic = TOPICS[record.topic]
            message = decode(topic, record.body)
            assert record.key == message.key
            yield topic, message

    def _runtime(self, service: str) -> Runtime:
        process: Runtime = self.apps[service].state.runtime
        return process


@asynccontextmanager
async def running(settings: Settings, clinic_id: UUID, clinic_code: str) -> AsyncIterator[InProcess]:
    """Starts all services; the gateway acts for this clinic, which must be in its table. They are stopped when the block ends."""
    broker = make_broker(settings("gateway").kafka, "in-memory", graceful_seconds=1)
    kafka = InMemoryKafka(broker)
    async with AsyncExitStack() as stack:
        patch = stack.enter_context(pytest.MonkeyPatch.context())
        # FastStream makes a consumer one in memory when the broker is started, which each process does behind its subscription.
        await stack.enter_async_context(TestKafkaBroker(broker))
        patch.setattr(runtime, "make_broker", lambda *_: broker)
        patch.setattr(runtime, "Producer", lambda *_: kafka)
        patch.setattr(Stream, "partitions", [REPLY_PARTITION])
        patch.setattr(cache, "DEFAULT_CLINIC", clinic_code)
        apps = {name: await stack.enter_async_context(_started(name, settings)) for name in OWNERS}
        owners = {
            name: httpx2.AsyncClient(transport=httpx2.ASGITransport(apps[name]), base_url=f"http://{name}") for name in apps
        }
        patch.setattr(Owners, "connect", classmethod(lambda _, __, clock: Owners(owners, clock)))
        apps["gateway"] = await stack.enter_async_context(_started("gateway", settings))
        await stack.enter_async_context(kafka.delivering())
        yield InProcess(clinic_id, kafka, apps, owners)


@asynccontextmanager
async def _started(name: str, settings: Settings) -> AsyncIterator[FastAPI]:
    app: FastAPI = importlib.import_module(f"services.{name}.app").create_app(settings(name))
    async with app.router.lifespan_context(app):
        yield app
