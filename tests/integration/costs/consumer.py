"""A service's consumer that reads what it is given: all from decoding to the outbox is the service's own, Kafka is a list."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
from aiokafka import ConsumerRecord

from shared.contracts.envelope import Message
from shared.contracts.topics import ALL_TOPICS, consumed_by
from shared.infra.kafka.records import decode, encode
from shared.infra.runtime import Runtime
from tests.support.kafka import KeptRecords
from tests.support.statements import calls_during

M = TypeVar("M", bound=Message)


@dataclass
class Consumer:
    """One service's consumer for a clinic of a test's own."""

    service: str
    clinic: UUID
    runtime: Runtime
    records: KeptRecords
    server: "asyncpg.Connection[asyncpg.Record]"

    async def read(self, messages: Sequence[Message]) -> list[Message]:
        """Has one batch consumed, and answers what it said. Nothing of it may have become a dead letter."""
        assert self.runtime.consumer
        self.records.records.clear()
        await self.runtime.consumer.consume([self._record(message) for message in messages])
        return [_message(record.topic, record.body) for record in self.records.records]

    async def said(self, messages: Sequence[Message], kind: type[M]) -> list[M]:
        """Has one batch consumed, and answers the messages of a type that it said."""
        return [message for message in await self.read(messages) if isinstance(message, kind)]

    async def cost(self, messages: Sequence[Message]) -> "Cost":
        """Has one batch consumed; answers what it said and which statements the server ran for it."""
        said: list[Message] = []

        async def reading() -> None:
            said.extend(await self.read(messages))

        statements = await calls_during(self.server, f"{self.service}_app", reading())
        return Cost(Counter(message.type for message in said), statements)

    def _record(self, message: Message) -> "ConsumerRecord[Any, Any]":
        topic = next(topic for topic in consumed_by(self.service) if type(message) in topic.messages)
        value = encode(message)
        return ConsumerRecord(topic.name, 0, 0, 0, 0, message.key, value, None, len(message.key), len(value), ())


@dataclass(frozen=True)
class Cost:
    """What a batch said, by type, and its statements."""

    said: Counter[str]
    statements: Counter[str]

    def __str__(self) -> str:
        return "\n".join(f"{calls} × {' '.join(text.split())[:110]}" for text, calls in sorted(self.statements.items()))


def _message(topic: str, body: bytes) -> Message:
    declared = {one.name: one for one in ALL_TOPICS}
    assert topic in declared, f"a dead letter: {topic}"
    return decode(declared[topic], body)
