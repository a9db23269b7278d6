"""Searches Kafka's log for the records that carry one of some ids. Bounded: of each partition only so many records are read."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaConsumer

from deploy.failure import Failure
from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import KafkaRecord
from deploy.stores import kafka_clients
from deploy.stores.topics import declared_topics
from shared.contracts.topics import ALL_TOPICS
from shared.infra.settings import KafkaConnection

NEWEST_PER_PARTITION = 20_000
"""So many records of each partition are read from where the command began, else the newest."""
BEFORE = timedelta(seconds=60)
"""The search begins so long before the first known time: clocks of machines differ."""


@dataclass(frozen=True)
class LogSearch:
    """What a search found, how many records it read, of which topics it did not read all, and the failure that ended it."""

    records: list[KafkaRecord]
    read: int
    cut: frozenset[str] = frozenset()
    failure: Failure | None = None

    @property
    def complete(self) -> bool:
        return not self.failure and not self.cut

    @property
    def commands_complete(self) -> bool:
        """Whether all commands were read. Replies of a gateway, which are many more, do not show whether a command came."""
        return not self.failure and not any(topic.name in self.cut for topic in ALL_TOPICS if topic.commands)


async def search(kafka: KafkaConnection, texts: Collection[str], since: datetime | None) -> LogSearch:
    """The records that carry one of these ids, from a time on. Raises `Failure` if the log cannot be read."""
    async with kafka_clients.reader(kafka) as consumer:
        starts, ends, cut = await _window(consumer, since)
        read, found = 0, []
        async for record in kafka_log.read(consumer, starts, ends):
            read += 1
            if carries(record, texts):
                found.append(record)
    return LogSearch(sorted(found, key=lambda record: (record.timestamp, record.topic, record.offset)), read, cut)


def carries(record: KafkaRecord, texts: Collection[str]) -> bool:
    """Whether one of these is the whole value of a field; of what is no message, whether it is a part of it."""
    body = record.value or b""
    if not any(text.encode() in body for text in texts):  # most carry none, and are not decoded for that
        return False
    fields = kafka_log.fields(record)
    return not fields or any(value in texts for value in _values(fields))


def _values(fields: dict[str, Any]) -> Iterator[Any]:
    """What stands in a message, however deep: by a list and not by calls, as anybody may have written it."""
    left: list[Any] = [fields]
    while left:
        value = left.pop()
        if isinstance(value, dict):
            left.extend(value.values())
        elif isinstance(value, list):
            left.extend(value)
        else:
            yield value


async def _window(
    consumer: AIOKafkaConsumer, since: datetime | None
) -> tuple[kafka_log.Offsets, kafka_log.Offsets, frozenset[str]]:
    """From where to where each partition is read, and the topics of those of which that is not all."""
    partitions = kafka_log.partitions_of(declared_topics())
    begins, ends = await kafka_log.bounds(consumer, partitions)
    if since is None:
        starts = {partition: max(begins[partition], ends[partition] - NEWEST_PER_PARTITION) for partition in partitions}
        return starts, ends, _cut(starts, begins)
    milliseconds = int((since - BEFORE).timestamp() * 1000)
    at = await consumer.offsets_for_times(dict.fromkeys(partitions, milliseconds))
    starts = {partition: found.offset if (found := at.get(partition)) else ends[partition] for partition in partitions}
    bounded = {partition: min(ends[partition], starts[partition] + NEWEST_PER_PARTITION) for partition in partitions}
    return starts, bounded, _cut(bounded, ends)


def _cut(read: kafka_log.Offsets, whole: kafka_log.Offsets) -> frozenset[str]:
    """The topics of which less is read than there is."""
    return frozenset(partition.topic for partition in whole if read[partition] != whole[partition])


def of_command(records: Sequence[KafkaRecord], command_id: UUID | None) -> list[KafkaRecord]:
    """The records of one command, or those of none."""
    wanted = str(command_id) if command_id else None
    return [record for record in records if kafka_log.fields(record).get("command_id") == wanted]
