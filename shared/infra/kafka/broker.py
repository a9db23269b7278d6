"""The broker of FastStream, which consumes only, and the one way in which a consumer is made of it.

Acknowledgement is manual everywhere, and FastStream hands batches on as they came: its own parser would fail a whole batch on one
header that is not UTF-8. Records are written by `producer.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from itertools import chain
from typing import Any, TypeAlias

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import ConsumerStoppedError, KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from shared.infra.kafka.security import client_options, tls_context
from shared.infra.settings import KafkaSettings

Raw: TypeAlias = ConsumerRecord[Any, Any]
Consume = Callable[[Sequence[Raw]], Awaitable[None]]

log = structlog.get_logger()

_SASL = {"PLAIN": SASLPlaintext, "SCRAM-SHA-256": SASLScram256, "SCRAM-SHA-512": SASLScram512}

HEARTBEAT_MS = 3_000
"""Between two heartbeats of a member: by their answers it hears of a rebalance."""
HEARTBEATS_PER_SESSION = 3
"""At least: a session that is short has more frequent ones."""
IDLE_WAIT_MS = 1_000
"""How long a look for records lasts that finds none; one that finds some ends at once."""


def make_broker(settings: KafkaSettings, client_id: str, graceful_seconds: float) -> KafkaBroker:
    """A broker that makes no topics and writes nothing."""
    return KafkaBroker(
        settings.bootstrap_servers.split(","),
        security=_security(settings),
        client_id=client_id,
        consumer_only=True,
        allow_auto_create_topics=False,
        request_timeout_ms=settings.request_timeout_ms,
        retry_backoff_ms=50,
        metadata_max_age_ms=30_000,
        graceful_timeout=graceful_seconds,
        apply_types=False,
        logger=None,
    )


def _security(settings: KafkaSettings) -> BaseSecurity:
    """What `client_options` says, as FastStream takes it."""
    context = tls_context(settings)
    if not settings.uses_sasl or settings.sasl_username is None or settings.sasl_password is None:
        return BaseSecurity(context)
    return _SASL[settings.sasl_mechanism](settings.sasl_username, settings.sasl_password.get_secret_value(), context)


class Subscription:
    """One consumer of a process: a group's part of some topics, in batches. `consume` gets each batch as it was fetched."""

    def __init__(
        self, broker: KafkaBroker, settings: KafkaSettings, group: str, topics: Iterable[str], consume: Consume, **options: Any
    ) -> None:
        """Registers the consumer. Call before the broker starts."""
        self.subscriber: Any = broker.subscriber(
            *topics,
            group_id=group,
            batch=True,
            max_records=settings.batch_max_records,
            ack_policy=AckPolicy.MANUAL,
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=settings.session_timeout_ms,
            heartbeat_interval_ms=min(HEARTBEAT_MS, settings.session_timeout_ms // HEARTBEATS_PER_SESSION),
            parser=raw_batch,
            decoder=records_of,
            no_reply=True,
            **options,
        )
        self.subscriber(consume)
        # FastStream's own look sleeps after each time that it found nothing: a record waits for that on every hop, and an idle
        # process wakes a hundred times a second.
        self.subscriber.get_msg = self._next_batch
        self.before_look: Callable[[], None] = lambda: None
        """Called before each look for records, once in a second at least."""
        self._max_records = settings.batch_max_records
        self._failing = False
        """Whether the last look for records failed: aiokafka's own retries do not show here, what it gives up does."""

    async def _next_batch(self, consumer: AIOKafkaConsumer) -> tuple[Raw, ...]:
        self.before_look()
        try:
            found = await consumer.getmany(timeout_ms=IDLE_WAIT_MS, max_records=self._max_records)
        except ConsumerStoppedError:
            raise
        except Exception as error:  # FastStream waits a while or begins the loop anew, and has no logger
            self._failing = True
            log.exception("fetch_failed", error=type(error).__name__)
            raise
        self._failing = False
        return tuple(chain.from_iterable(found.values()))

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        """The client that fetches; None before the broker has started, and on the in-memory broker of tests."""
        consumer = self.subscriber.consumer
        return consumer if isinstance(consumer, AIOKafkaConsumer) else None

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        """The partitions that this process has at this moment; none before it has joined its group."""
        return frozenset(self.consumer.assignment()) if self.consumer else frozenset()

    @property
    def alive(self) -> bool:
        """Whether the loop that fetches runs and can. One that an error ended stays in FastStream's list, before the next one."""
        tasks = self.subscriber.tasks
        return bool(self.subscriber.running and tasks and not tasks[-1].done() and not self._failing)


class Cluster:
    """Asks whether a broker answers, on a connection of its own."""

    def __init__(self, settings: KafkaSettings, client_id: str) -> None:
        self._options = {
            **client_options(settings),
            "client_id": client_id,
            "request_timeout_ms": settings.request_timeout_ms,
        }
        self._starting: asyncio.Task[AIOKafkaAdminClient | None] | None = None

    async def answers(self) -> bool:
        """Whether the cluster describes itself now. Bound the call by a timeout."""
        admin = await self._started()
        try:
            if admin is not None:
                await admin.describe_cluster()
        except (KafkaError, OSError):
            return False
        return admin is not None

    async def close(self) -> None:
        """Closes the connection."""
        if self._starting is not None:
            self._starting.cancel()
            admin = await self._started()
            if admin is not None:
                await admin.close()

    async def _started(self) -> AIOKafkaAdminClient | None:
        """The client; None if it could not start. All who ask meanwhile wait for one start, which goes on when one gives up.

        aiokafka would leave the connection of a start that is cancelled to the garbage collector.
        """
        if self._starting is None:
            self._starting = asyncio.ensure_future(self._start())
        starting = self._starting
        await asyncio.wait([starting])
        return None if starting.cancelled() else starting.result()

    async def _start(self) -> AIOKafkaAdminClient | None:
        admin = AIOKafkaAdminClient(**self._options)
        try:
            await admin.start()
        except BaseException as error:
            self._starting = None  # who asks next tries again
            await admin.close()
            if isinstance(error, KafkaError | OSError):
                return None
            raise
        return admin


async def raw_batch(records: tuple[Raw, ...]) -> KafkaMessage:
    """FastStream's message for a batch, with the records untouched."""
    return KafkaMessage(body=b"", raw_message=records, consumer=None)  # type: ignore[arg-type]  # nobody acknowledges by it


async def records_of(message: KafkaMessage) -> Any:
    """Hands the records on as they came."""
    return message.raw_message
