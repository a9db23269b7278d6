"""A consumer of what matters only now: from the newest record on, without inbox, transaction, commits and dead letters.

Nothing may depend on a record's arrival. The gateway hears its replies by one; every other consumer is a `Consumer`.
"""

from collections.abc import Awaitable, Callable, Sequence

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream.kafka import KafkaBroker

from shared.contracts.envelope import Message
from shared.contracts.topics import Topic
from shared.infra.kafka.broker import Raw, Subscription
from shared.infra.kafka.records import Malformed, OfLaterRelease, decode
from shared.infra.metrics import MESSAGES
from shared.infra.settings import KafkaSettings

log = structlog.get_logger()

Listener = Callable[[Sequence[Message]], Awaitable[None]]


class Stream:
    """One process's part of one topic. `listener` gets the decoded messages, `rebalanced` is called when the part changes."""

    def __init__(
        self,
        broker: KafkaBroker,
        settings: KafkaSettings,
        group: str,
        topic: Topic,
        listener: Listener,
        rebalanced: Callable[[], None],
    ) -> None:
        """Registers the consumer with the broker. Call before the broker starts."""
        self.topic = topic
        # Nobody ever acknowledges: a restart begins with what is new then.
        self.subscription = Subscription(
            broker, settings, group, [topic.name], self.consume,
            auto_offset_reset="latest", listener=_Rebalances(topic, rebalanced),
        )  # fmt: skip
        self._listener = listener

    @property
    def partitions(self) -> list[int]:
        """The partitions that this process holds at this moment, in order."""
        return sorted(partition.partition for partition in self.subscription.assigned)

    async def check(self) -> None:
        """Raises `ConnectionError` when the consume loop is dead. A process may hold no partition: it asks booking instead."""
        if not self.subscription.alive:
            raise ConnectionError

    async def consume(self, records: Sequence[Raw]) -> None:
        """Hands on what can be read; what cannot, and what the listener fails at, is logged, counted and forgotten."""
        messages = [message for record in records if (message := self._decoded(record)) is not None]
        try:
            await self._listener(messages)
        except Exception as error:
            log.exception("stream_listener_failed", topic=self.topic.name, error=type(error).__name__)

    def _decoded(self, record: Raw) -> Message | None:
        try:
            message: Message | None = decode(self.topic, record.value)
        except (Malformed, OfLaterRelease) as error:
            log.warning("stream_record_dropped", topic=self.topic.name, reason=str(error))
            message = None
        outcome = "skipped" if message is None else "processed"
        MESSAGES.labels(topic=self.topic.name, type=message.type if message else "unknown", outcome=outcome).inc()
        return message


class _Rebalances(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka ships no types
    """Tells the stream that its part changed: what was sent meanwhile may have passed it by."""

    def __init__(self, topic: Topic, rebalanced: Callable[[], None]) -> None:
        self._topic, self._rebalanced = topic, rebalanced

    async def on_partitions_revoked(self, revoked: set[TopicPartition]) -> None:
        """Nothing to save: no offset is ever committed."""

    async def on_partitions_assigned(self, assigned: set[TopicPartition]) -> None:
        if not assigned:
            log.warning("stream_without_partition", topic=self._topic.name, partitions=self._topic.partitions)
        self._rebalanced()
