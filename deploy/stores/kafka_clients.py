"""Clients of Kafka for operations: a reader of no group, an administrator, a writer. Each is open for one `async with`.

Whatever a client raises while the broker is away becomes a `NoAnswer` that names the bootstrap servers. Called by `topics` beside
this module, by `deploy.inspect`, and by the commands and tests that read Kafka's log.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from deploy.failure import NoAnswer
from shared.contracts.topics import MAX_RECORD_BYTES
from shared.infra.kafka.security import client_options
from shared.infra.settings import KafkaConnection

REQUEST_TIMEOUT_MS = 10_000
RETRY_BACKOFF_MS = 5
"""A client of no group learns of topics one by one, and pauses so long before each: by its default that took seconds."""


@asynccontextmanager
async def reader(kafka: KafkaConnection) -> AsyncIterator[AIOKafkaConsumer]:
    """A consumer of no group. Raises `NoAnswer` when no broker answers."""
    consumer = AIOKafkaConsumer(
        **client_options(kafka),
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_TIMEOUT_MS,
        retry_backoff_ms=RETRY_BACKOFF_MS,
        max_partition_fetch_bytes=2 * MAX_RECORD_BYTES,
    )
    async with _connected(kafka, consumer.start, consumer.stop):
        yield consumer


@asynccontextmanager
async def administrator(
    kafka: KafkaConnection, request_timeout_ms: int = REQUEST_TIMEOUT_MS
) -> AsyncIterator[AIOKafkaAdminClient]:
    """An admin client. Raises `NoAnswer` when no broker answers."""
    admin = AIOKafkaAdminClient(**client_options(kafka), request_timeout_ms=request_timeout_ms)
    async with _connected(kafka, admin.start, admin.close):
        yield admin


@asynccontextmanager
async def writer(kafka: KafkaConnection) -> AsyncIterator[AIOKafkaProducer]:
    """A producer that loses and reorders nothing. Raises `NoAnswer` when no broker answers."""
    producer = AIOKafkaProducer(
        **client_options(kafka), acks="all", enable_idempotence=True, max_request_size=2 * MAX_RECORD_BYTES
    )
    async with _connected(kafka, producer.start, producer.stop):
        yield producer


@asynccontextmanager
async def _connected(
    kafka: KafkaConnection, start: Callable[[], Awaitable[object]], stop: Callable[[], Awaitable[object]]
) -> AsyncIterator[None]:
    try:
        await start()
        yield
    except KafkaError as error:
        raise NoAnswer.at("Kafka", kafka.bootstrap_servers, type(error).__name__, doctor=True) from error
    finally:
        await stop()
