"""The log as anybody can read it: every record of every topic up to its end now, and how far each group has got.

Called by `evidence.py`. It joins no group and commits nothing.
"""

import json
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

COMMANDS = ("booking.commands", "appointment.commands", "queue.commands")
EVENTS = ("availability.events", "appointment.events", "queue.events")
REGISTRY = "registry.events"
REPLIES = "gateway.replies"
REDRIVES = ("availability.redrive", "booking.redrive", "queue.redrive")
TOPICS = (*COMMANDS, *EVENTS, REGISTRY, REPLIES, *REDRIVES)
DEAD_LETTERS = ".dlq"
REASON = "frontdesk-error"

CONSUMED = {
    "availability": ("booking.commands", "appointment.events", REGISTRY, "availability.redrive"),
    "booking": ("availability.events", "appointment.commands", "queue.events", REGISTRY, "booking.redrive"),
    "queue": ("appointment.events", "queue.commands", REGISTRY, "queue.redrive"),
}
"""What each group reads."""
READ_TIMEOUT_MS = 500
RETRY_BACKOFF_MS = 5
"""The client learns of topics one by one, and pauses so long before each."""
MAX_FETCH_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True)
class Record:
    """A record, and where it stands."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    value: bytes | None
    reason: str = ""
    """Why it is a dead letter, if it is one."""

    @cached_property
    def fields(self) -> dict[str, Any]:
        """Its message, or nothing if it is none."""
        try:
            found = json.loads(self.value or b"")
        except ValueError:
            return {}
        return found if isinstance(found, dict) else {}

    @property
    def type(self) -> str:
        return str(self.fields.get("type"))

    @property
    def message_id(self) -> str:
        return str(self.fields.get("message_id"))

    @property
    def is_dead_letter(self) -> bool:
        return self.topic.endswith(DEAD_LETTERS)


async def records(bootstrap: str) -> list[Record]:
    """Every record of the system's topics, dead letters among them, in the order of their partitions."""
    async with _consumer(bootstrap) as consumer:
        places = await _places(bootstrap)
        first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
        filled = {place: ends[place] for place in places if first[place] < ends[place]}
        return [one async for one in _read(consumer, filled)]


async def lag(bootstrap: str) -> dict[str, int]:
    """How many records each group has before it."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        committed = {group: await admin.list_consumer_group_offsets(group) for group in CONSUMED}
    finally:
        await admin.close()
    present = await _places(bootstrap)
    async with _consumer(bootstrap) as consumer:
        behind = dict.fromkeys(CONSUMED, 0)
        for group, topics in CONSUMED.items():
            places = [place for place in present if place.topic in topics]
            first, ends = await consumer.beginning_offsets(places), await consumer.end_offsets(places)
            for place in places:
                reached = committed[group][place].offset if place in committed[group] else -1
                behind[group] += ends[place] - max(reached, first[place])
        return behind


async def _read(consumer: Any, ends: dict[TopicPartition, int]) -> AsyncIterator[Record]:
    """What stands before these ends; compaction may have taken some of it, so positions tell when all is read."""
    consumer.assign(list(ends))
    await consumer.seek_to_beginning(*ends)
    found: list[Record] = []
    while ends:
        for place, batch in (await consumer.getmany(timeout_ms=READ_TIMEOUT_MS)).items():
            if place in ends:
                found.extend(_record(raw) for raw in batch if raw.offset < ends[place])
        for place in [place for place, end in ends.items() if await consumer.position(place) >= end]:
            del ends[place]
    for one in sorted(found, key=lambda one: (one.topic, one.partition, one.offset)):
        yield one


def _record(raw: Any) -> Record:
    return Record(raw.topic, raw.partition, raw.offset, raw.key, raw.value, dict(raw.headers).get(REASON, b"").decode())


def _ours(present: Collection[str]) -> list[str]:
    """The system's topics; a topic that is not there is an error, not an empty one."""
    missing = set(TOPICS) - set(present)
    if missing:
        raise LookupError(f"no such topics: {sorted(missing)}")
    return sorted(name for name in present if name in TOPICS or (name.endswith(DEAD_LETTERS) and name.startswith(TOPICS)))


async def _places(bootstrap: str) -> list[TopicPartition]:
    """Every partition of the system's topics: the admin client is asked, a consumer knows those of its own topics only."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        described = await admin.describe_topics(_ours(await admin.list_topics()))
    finally:
        await admin.close()
    return [TopicPartition(found["topic"], part["partition"]) for found in described for part in found["partitions"]]


@asynccontextmanager
async def _consumer(bootstrap: str) -> AsyncIterator[Any]:
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        retry_backoff_ms=RETRY_BACKOFF_MS,
        max_partition_fetch_bytes=MAX_FETCH_BYTES,
    )
    await consumer.start()
    try:
        yield consumer
    finally:
        await consumer.stop()
