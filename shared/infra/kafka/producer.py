"""The producer of a process: one `AIOKafkaProducer` at a time, which loses and reorders nothing, and can be replaced.

All private access to aiokafka is here: it has no way to end a producer without sending first what it holds.
"""

import asyncio
import contextlib
from typing import Any

import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed

from shared.contracts.topics import MAX_RECORD_BYTES
from shared.infra.clockwork import Clock
from shared.infra.kafka.records import CORRELATION_HEADER, Record
from shared.infra.kafka.security import client_options
from shared.infra.settings import KafkaSettings

log = structlog.get_logger()

END_SECONDS = 5.0
START_SECONDS = 10.0
REPLACE_INTERVAL_SECONDS = 0.5

Handed = asyncio.Future[Any] | None
"""Done when the broker has the record, or never will. The in-memory producer of tests has it at once, and no future."""


class NotStarted(Exception):
    """There is no producer yet, or none any more."""


class Producer:
    """Hands records to the broker in the order of its calls."""

    def __init__(self, settings: KafkaSettings, client_id: str, clock: Clock) -> None:
        self._options = {
            **client_options(settings),
            "client_id": client_id,
            "acks": "all",
            "enable_idempotence": True,
            "max_request_size": 2 * MAX_RECORD_BYTES,
            "request_timeout_ms": settings.request_timeout_ms,
            "retry_backoff_ms": 50,
            "metadata_max_age_ms": 30_000,
        }
        self._clock = clock
        self._current: AIOKafkaProducer | None = None
        self._ending: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Connects. Raises `KafkaError` when no broker answers."""
        producer = AIOKafkaProducer(**self._options)
        try:
            await producer.start()
        except BaseException:
            await producer.stop()
            raise
        self._current = producer

    async def send(self, record: Record) -> Handed:
        """Hands a record over. Raises `KafkaError` or `AssertionError` for one that is not taken, and `NotStarted`."""
        if self._current is None:
            raise NotStarted
        headers = {**record.headers, CORRELATION_HEADER: record.correlation_id}
        handed: Handed = await self._current.send(
            record.topic,
            record.body,
            key=record.key,
            partition=record.partition,
            headers=[(name, value.encode()) for name, value in headers.items()],
        )
        return handed

    async def replace(self) -> None:
        """Ends the producer, then puts a new one in its place, with new sequence numbers; tries until a broker answers."""
        if self._current is not None:
            ending = asyncio.ensure_future(_end(self._current))
            self._ending.add(ending)
            ending.add_done_callback(self._ending.discard)
            # What is on the wire fails or arrives first, so that order is kept; if no broker answers, that can take for ever.
            await asyncio.wait([ending], timeout=END_SECONDS)
        while not await self._started():
            await self._clock.sleep(REPLACE_INTERVAL_SECONDS)
        log.info("producer_replaced")

    async def stop(self) -> None:
        """Sends what it holds, and disconnects. While no broker answers that takes for ever."""
        if self._current is not None:
            await self._current.stop()
            self._current = None

    async def _started(self) -> bool:
        try:
            await asyncio.wait_for(self.start(), START_SECONDS)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("producer_not_replaced", error=type(error).__name__)
            return False
        return True


async def _end(producer: AIOKafkaProducer) -> None:
    """Ends a producer and lets it send nothing more: its own `stop` sends first what it holds."""
    sender, held = producer._sender, producer._message_accumulator  # noqa: SLF001 - aiokafka has no way to drop what is held
    with contextlib.suppress(KafkaError):
        await sender.close()
    held.fail_all(ProducerClosed())
    await producer.stop()
