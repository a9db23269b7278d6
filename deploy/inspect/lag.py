"""How far the consumer groups are: what each has committed of its topics, and where these end.

Called by `frontdesk topics lag`, and by `frontdesk reconcile`, which waits until nothing is under way.
"""

from typing import Any

from aiokafka import TopicPartition

from deploy.inspect import kafka_log
from deploy.stores import kafka_clients
from shared.contracts.topics import Topic, consumed_by, redrive_topics
from shared.infra.settings import KafkaConnection

GROUPS = tuple(topic.groups[0] for topic in redrive_topics())
"""The groups that commit offsets: what a gateway has not read of its replies is no backlog."""


async def lag_of(kafka: KafkaConnection, groups: tuple[str, ...]) -> list[dict[str, Any]]:
    """How far groups are, a row for each of their topics."""
    redrive = {topic.groups[0]: topic for topic in redrive_topics()}
    rows = []
    async with kafka_clients.administrator(kafka) as admin, kafka_clients.reader(kafka) as consumer:
        for group in groups:
            offsets = await admin.list_consumer_group_offsets(group)
            committed = {partition: at.offset for partition, at in offsets.items()}
            topics = [*consumed_by(group), redrive[group]]
            begins, ends = await kafka_log.bounds(consumer, kafka_log.partitions_of(topics))
            rows += [_row(group, topic, committed, begins, ends) for topic in topics]
    return rows


def _row(
    group: str, topic: Topic, committed: kafka_log.Offsets, begins: kafka_log.Offsets, ends: kafka_log.Offsets
) -> dict[str, Any]:
    """One topic of a group, summed over its partitions. Where nothing is committed the group stands at the beginning."""
    partitions: list[TopicPartition] = kafka_log.partitions_of([topic])
    at = {partition: max(committed.get(partition, 0), begins[partition]) for partition in partitions}
    return {
        "group": group,
        "topic": topic.name,
        "committed": sum(at.values()),
        "end": sum(ends[partition] for partition in partitions),
        "lag": sum(max(0, ends[partition] - at[partition]) for partition in partitions),
    }
