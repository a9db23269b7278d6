"""Looks into Kafka from outside of the services: no group is joined and nothing is committed, so a look disturbs nobody.

Called by the commands that show topics, dead letters and the path of a command.
"""

import json
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy import addresses
from deploy.failure import Failure, Unreachable
from shared.contracts.topics import MAX_RECORD_BYTES, Topic

REQUEST_TIMEOUT_MS = 10_000
POLL_MS = 300
BATCH_RECORDS = 1_000
SILENCE_SECONDS = 15.0
"""So long a partition that has records may give none before the look is given up."""

Raw: TypeAlias = ConsumerRecord[Any, Any]
Offsets = Mapping[TopicPartition, int]


@asynccontextmanager
async def reader(bootstrap: str) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group. Raises `Unreachable` when no broker answers."""
    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        max_partition_fetch_bytes=2 * MAX_RECORD_BYTES,
    )
    async with _reaching(consumer, bootstrap, consumer.stop):
        yield consumer


@asynccontextmanager
async def administrator(bootstrap: str, request_timeout_ms: int = REQUEST_TIMEOUT_MS) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises `Unreachable` when no broker answers."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=request_timeout_ms)
    async with _reaching(admin, bootstrap, admin.close):
        yield admin


@asynccontextmanager
async def writer(bootstrap: str) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that loses and reorders nothing. Raises `Unreachable` when no broker answers."""
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap, acks="all", enable_idempotence=True, max_request_size=2 * MAX_RECORD_BYTES
    )
    async with _reaching(producer, bootstrap, producer.stop):
        yield producer


@asynccontextmanager
async def _reaching(client: Any, bootstrap: str, end: Any) -> AsyncIterator[None]:
    try:
        await client.start()
        yield
    except KafkaError as error:
        raise Unreachable(
            f"Kafka does not answer at {bootstrap}: {type(error).__name__}\n  try: frontdesk doctor, {addresses.who_runs_them()}"
        ) from error
    finally:
        await end()


def partitions_of(topics: Collection[Topic]) -> list[TopicPartition]:
    """All partitions of declared topics."""
    return [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]


async def bounds(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> tuple[Offsets, Offsets]:
    """Where partitions begin and where they end now."""
    return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)


async def newest(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], count: int) -> AsyncIterator[Raw]:
    """The last records of each partition up to its end now, at most `count` of each."""
    begins, ends = await bounds(consumer, partitions)
    async for record in read(consumer, {place: max(begins[place], ends[place] - count) for place in ends}, ends):
        yield record


async def read(consumer: AIOKafkaConsumer, starts: Offsets, ends: Offsets) -> AsyncIterator[Raw]:
    """Every record from the one offsets to the others, partition by partition in order. Raises `Failure` after a silence."""
    left = {place for place, end in ends.items() if starts[place] < end}
    consumer.assign(list(left))
    for place in left:
        consumer.seek(place, starts[place])
    heard = time.monotonic()
    while left:
        for place, records in (await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)).items():
            heard = time.monotonic()
            for record in records:
                if record.offset < ends[place]:
                    yield record
        for place in [place for place in left if await consumer.position(place) >= ends[place]]:
            left.remove(place)
            consumer.pause(place)
        if time.monotonic() - heard > SILENCE_SECONDS:
            raise Failure(
                f"Kafka gave no record of {', '.join(sorted({place.topic for place in left}))} for {SILENCE_SECONDS:.0f} s"
            )


def instant(record: Raw) -> str:
    """When the broker or the producer dated a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields(record: Raw) -> dict[str, Any]:
    """The fields of a record's message; none if it is no JSON object."""
    try:
        found = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def shown(record: Raw) -> dict[str, Any]:
    """A record as one JSON object: what is no message stands there as text."""
    message = fields(record)
    return {
        "topic": record.topic,
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": instant(record),
        "key": _text(record.key),
        "type": message.get("type"),
        "message": message or _text(record.value),
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else value.decode(errors="replace")
