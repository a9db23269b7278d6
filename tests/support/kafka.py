"""A look into Kafka from outside of the services, everything that stands in a topic; and a list in the place of Kafka."""

import json
from collections.abc import Collection, Sequence
from typing import Any, TypeAlias, cast

from aiokafka import ConsumerRecord, TopicPartition

from deploy.inspect import kafka_log
from deploy.stores import kafka_clients
from shared.contracts.topics import Topic
from shared.infra.kafka.producer import Handed
from shared.infra.kafka.publisher import Publisher, RecordProducer
from shared.infra.kafka.records import Record
from shared.infra.settings import KafkaConnection

Raw: TypeAlias = "ConsumerRecord[Any, Any]"


class KeptRecords(Publisher):
    """A publisher whose broker is a list."""

    def __init__(self) -> None:
        super().__init__(cast(RecordProducer, None))
        self.records: list[Record] = []

    async def stop(self) -> None:
        """There is no producer to give up."""

    async def send(self, record: Record, timeout_seconds: float | None = None) -> None:
        self.records.append(record)

    async def hand_over(self, records: Sequence[Record]) -> list[Handed]:
        self.records.extend(records)
        return [None] * len(records)


async def ends_of(bootstrap: str, topics: Collection[Topic]) -> dict[TopicPartition, int]:
    """Where each partition ends now."""
    async with kafka_clients.reader(KafkaConnection(bootstrap_servers=bootstrap)) as consumer:
        return dict(await consumer.end_offsets(kafka_log.partitions_of(topics)))


async def records_of(bootstrap: str, topic: str, partitions: int) -> list[Raw]:
    """Everything that a topic has up to its end now, partition by partition."""
    places = [TopicPartition(topic, number) for number in range(partitions)]
    async with kafka_clients.reader(KafkaConnection(bootstrap_servers=bootstrap)) as consumer:
        begins, ends = await kafka_log.bounds(consumer, places)
        found = [record async for record in kafka_log.read(consumer, begins, ends)]
    return sorted(found, key=lambda record: (record.partition, record.offset))


async def messages_of(bootstrap: str, topic: Topic, **fields: str) -> list[Raw]:
    """The records of a topic whose fields are these; what is no message (tests write such) is passed over."""
    found = await records_of(bootstrap, topic.name, topic.partitions)
    return [record for record in found if fields.items() <= fields_of(record).items()]


def fields_of(record: Raw) -> dict[str, Any]:
    """The fields of a record's message, none if it is no JSON."""
    try:
        return dict(json.loads(record.value))
    except ValueError:
        return {}
