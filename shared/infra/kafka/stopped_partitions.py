"""Partitions that this process leaves alone, since their next record is an event of a later release.

Their other records wait in order, and nothing is lost: a process of that release that gets the partition goes on with it, and so
does this one after its upgrade. A pause ends with the assignment; who gets the partition then meets the record for himself.
"""

from collections.abc import Mapping

import structlog
from aiokafka import TopicPartition

from shared.infra.kafka.broker import Raw, Subscription
from shared.infra.metrics import PARTITIONS_STOPPED

log = structlog.get_logger()


class StoppedPartitions:
    """Those of one consumer; their number is a metric."""

    def __init__(self, subscription: Subscription) -> None:
        self._subscription = subscription
        PARTITIONS_STOPPED.set_function(self._count)

    def stop_at(self, records: Mapping[TopicPartition, Raw]) -> None:
        """Takes nothing of their partitions any more, these records first. Their offsets, and those behind, are not committed."""
        consumer = self._subscription.consumer
        for partition, record in records.items():
            log.error("partition_stopped", topic=record.topic, partition=record.partition, offset=record.offset)
            if consumer is not None and partition in consumer.assignment():
                consumer.pause(partition)

    def _count(self) -> int:
        consumer = self._subscription.consumer
        return 0 if consumer is None else len(consumer.paused())
