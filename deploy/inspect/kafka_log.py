"""Reads Kafka's log without a consumer group: nothing is committed, so no service notices.

Called by the commands that show topics, dead letters and the path of a command, with a reader of `deploy.stores.kafka_clients`.
"""

import json
import time
from collections.abc import AsyncIterator, Collection, Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from deploy.failure import Failure
from shared.contracts.topics import Topic

POLL_MS = 300
BATCH_RECORDS = 1_000
SILENCE_SECONDS = 15.0
"""So long a partition that has records may give none before reading is given up."""

KafkaRecord: TypeAlias = ConsumerRecord[Any, Any]
Offsets = Mapping[TopicPartition, int]


def partitions_of(topics: Collection[Topic]) -> list[TopicPartition]:
    """All partitions of declared topics."""
    return [TopicPartition(topic.name, number) for topic in topics for number in range(topic.partitions)]


async def bounds(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition]) -> tuple[Offsets, Offsets]:
    """Where partitions begin and where they end now."""
    return await consumer.beginning_offsets(partitions), await consumer.end_offsets(partitions)


async def newest(consumer: AIOKafkaConsumer, partitions: Collection[TopicPartition], count: int) -> AsyncIterator[KafkaRecord]:
    """The last records of each partition up to its end now, at most `count` of each."""
    begins, ends = await bounds(consumer, partitions)
    starts = {partition: max(begins[partition], ends[partition] - count) for partition in ends}
    async for record in read(consumer, starts, ends):
        yield record


async def read(consumer: AIOKafkaConsumer, starts: Offsets, ends: Offsets) -> AsyncIterator[KafkaRecord]:
    """Every record from `starts` to `ends`, partition by partition in order. Raises `Failure` if Kafka gives none for a while."""
    left = {partition for partition, end in ends.items() if starts[partition] < end}
    consumer.assign(list(left))
    for partition in left:
        consumer.seek(partition, starts[partition])
    received_at = time.monotonic()
    while left:
        batch = await consumer.getmany(timeout_ms=POLL_MS, max_records=BATCH_RECORDS)
        for partition, records in batch.items():
            received_at = time.monotonic()
            for record in records:
                if record.offset < ends[partition]:
                    yield record
        for partition in [partition for partition in left if await consumer.position(partition) >= ends[partition]]:
            left.remove(partition)
            consumer.pause(partition)
        if time.monotonic() - received_at > SILENCE_SECONDS:
            topics = ", ".join(sorted({partition.topic for partition in left}))
            raise Failure(f"Kafka gave no record of {topics} for {SILENCE_SECONDS:.0f} s")


def instant(record: KafkaRecord) -> str:
    """When the broker or the producer dated a record."""
    return datetime.fromtimestamp(record.timestamp / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def fields(record: KafkaRecord) -> dict[str, Any]:
    """The fields of a record's message; none if it is no JSON object."""
    try:
        found = json.loads(record.value or b"")
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def shown(record: KafkaRecord) -> dict[str, Any]:
    """A record as one JSON object. What is no message is shown as text."""
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
