"""Partitions that a process fetches nothing of for now, so that its others go on. Offsets behind the pause are not committed.

Some come back in a while: their next record was held up. Others stop, since their next record is an event of a later release: a
process of that release goes on with them, and so does this one after its upgrade. A pause ends with the assignment; who gets the
partition then meets the record for himself.
"""

from collections.abc import Mapping

import structlog
from aiokafka import TopicPartition

from shared.infra.clockwork import Clock
from shared.infra.kafka.broker import Raw, Subscription
from shared.infra.metrics import PARTITIONS_STOPPED

log = structlog.get_logger()

AWAY_SECONDS = 5.0
"""How long a partition whose next record was held up is left alone."""


class PausedPartitions:
    """Those of one consumer. The number of those that have stopped is a metric."""

    def __init__(self, subscription: Subscription, clock: Clock) -> None:
        self._subscription = subscription
        self._clock = clock
        self._back_at: dict[TopicPartition, float] = {}
        subscription.before_look = self._resume
        PARTITIONS_STOPPED.set_function(self._count_stopped)

    def stop_at(self, records: Mapping[TopicPartition, Raw]) -> None:
        """Takes nothing of their partitions any more, these records first."""
        for partition, record in records.items():
            log.error("partition_stopped", topic=record.topic, partition=record.partition, offset=record.offset)
            self._pause(partition, record)

    def come_back_to(self, records: Mapping[TopicPartition, Raw]) -> None:
        """Takes nothing of their partitions for a while, then these records first."""
        for partition, record in records.items():
            log.warning("partition_held_up", topic=record.topic, partition=record.partition, offset=record.offset)
            if self._pause(partition, record):
                self._back_at[partition] = self._clock.monotonic() + AWAY_SECONDS

    def _pause(self, partition: TopicPartition, record: Raw) -> bool:
        consumer = self._subscription.consumer
        if consumer is None or partition not in consumer.assignment():
            return False
        self._back_at.pop(partition, None)
        consumer.pause(partition)
        consumer.seek(partition, record.offset)
        return True

    def _resume(self) -> None:
        """Lets partitions be fetched again whose time is over. One that was assigned anew meanwhile is not paused."""
        now = self._clock.monotonic()
        for partition in [partition for partition, back_at in self._back_at.items() if back_at <= now]:
            del self._back_at[partition]
            consumer = self._subscription.consumer
            if consumer is not None and partition in consumer.paused():
                consumer.resume(partition)

    def _count_stopped(self) -> int:
        consumer = self._subscription.consumer
        return 0 if consumer is None else len(set(consumer.paused()) - self._back_at.keys())
