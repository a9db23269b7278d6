"""The only module that speaks to the Kafka client: the broker with safe settings, the publisher, and decoding of records."""

import asyncio
import contextlib
import functools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import orjson
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from faststream.exceptions import IncorrectState
from faststream.kafka import KafkaBroker
from pydantic import ValidationError

from shared.contracts.envelope import ClientCommand, DayMessage, Message
from shared.contracts.topics import MAX_MESSAGE_BYTES, MAX_RECORD_BYTES, Topic
from shared.infra.settings import KafkaSettings

log = structlog.get_logger()

CORRELATION_HEADER = "correlation_id"
END_OF_PRODUCER_SECONDS = 5.0
REPLACE_INTERVAL_SECONDS = 0.5


class Malformed(Exception):
    """A record that no retry can make right: it goes to the dead letters at once."""


class NotAccepted(Exception):
    """The record was never handed to the producer: it cannot arrive."""


class Unconfirmed(Exception):
    """The record was handed over and not acknowledged in time: it may still arrive."""


Handed = asyncio.Future[Any] | None
"""Done when the broker has the record, or never will. The in-memory broker of tests has it at once, and no future."""
Streak = tuple[int, int]
"""While a publisher's stays the same, its records arrive in the order they are handed over in: none in between is missing."""


@dataclass(frozen=True)
class Record:
    """What is to be written to Kafka. Without `partition` the key decides."""

    topic: str
    key: bytes
    body: bytes
    correlation_id: str
    partition: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def record_of(topic: Topic, message: Message, partition: int | None = None) -> Record:
    """The record that carries a message."""
    return Record(topic.name, message.key, encode(message), message.correlation_id, partition)


def encode(message: Message) -> bytes:
    """A message as it stands on the wire: JSON without what is not set."""
    return message.model_dump_json(exclude_none=True).encode()


def decode(topic: Topic, value: bytes | None) -> Message | None:
    """The message of a record, or None for a type that a newer service added to an event topic.

    Raises `Malformed` for what is too large, no JSON, of another version, of a wrong shape, or an unknown type of command.
    """
    fields = _json_object(value)
    if fields.get("v") != 1:
        raise Malformed("unknown_version")
    message = topic.types.get(cast(str, fields.get("type")))
    if message is None:
        if topic.commands or not isinstance(fields.get("type"), str):
            raise Malformed("unknown_type")
        return None
    try:
        return message.model_validate(fields)
    except ValidationError as error:
        where = ",".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False, include_url=False))
        raise Malformed(f"invalid_fields:{where}") from None


def envelope_of(topic: Topic, value: bytes | None) -> ClientCommand | None:
    """What can be read of a malformed command, of whatever type and version: who waits for its answer, and on which day."""
    if not topic.commands:
        return None
    for kind in (_DayEnvelope, ClientCommand):
        try:
            return kind.model_validate({**_json_object(value), "v": 1})
        except (Malformed, ValidationError):
            continue
    return None


class _DayEnvelope(ClientCommand, DayMessage):
    """A command about a doctor's day."""


def _json_object(value: bytes | None) -> dict[str, Any]:
    if value is None or len(value) > MAX_MESSAGE_BYTES:
        raise Malformed("empty" if value is None else "too_large")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Malformed("invalid_json") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str | None):
        raise Malformed("not_a_message")
    return fields


def make_broker(settings: KafkaSettings, client_id: str, graceful_seconds: float) -> KafkaBroker:
    """A broker whose producer loses and reorders nothing, and that makes no topics by itself."""
    return KafkaBroker(
        settings.bootstrap_servers.split(","),
        client_id=client_id,
        acks="all",
        enable_idempotence=True,
        allow_auto_create_topics=False,
        max_request_size=2 * MAX_RECORD_BYTES,
        request_timeout_ms=settings.request_timeout_ms,
        retry_backoff_ms=50,
        metadata_max_age_ms=30_000,
        graceful_timeout=graceful_seconds,
        apply_types=False,
        logger=None,
    )


class Publisher:
    """Writes records and waits for the broker's acknowledgement. One per process, for outbox, relay, replies and dead letters.

    A batch that the idempotent producer gave up leaves a gap in its sequence numbers, and the broker refuses for ever whatever
    comes behind a gap. So after the first such failure the producer is replaced; until that is done nothing is handed over, and
    what the old one had not sent yet fails: it would overtake what was given up.
    """

    def __init__(self, broker: KafkaBroker, ack_timeout_seconds: float = 10.0) -> None:
        self._broker = broker
        self._ack_timeout_seconds = ack_timeout_seconds
        self._generation = 0
        self._refusals = 0
        self._replacing: asyncio.Task[None] | None = None
        self._stopping = False

    @property
    def streak(self) -> Streak:
        """The one that lasts: how often a producer failed, and how often one did not take what it was given."""
        return self._generation, self._refusals

    async def stop(self) -> None:
        """From now on the producer is the last one. Call before the broker is stopped, which ends it."""
        self._stopping = True
        if self._replacing:
            self._replacing.cancel()
            await asyncio.wait([self._replacing])

    async def send(self, record: Record, timeout_seconds: float | None = None) -> None:
        """Writes one record. Raises `NotAccepted` or `Unconfirmed`."""
        timeout = timeout_seconds or self._ack_timeout_seconds
        acknowledged = await self._hand_over(record, timeout)
        if acknowledged is None:
            return
        try:
            await asyncio.wait_for(asyncio.shield(acknowledged), timeout)
        except (KafkaError, TimeoutError) as error:
            raise Unconfirmed(type(error).__name__) from error

    async def send_all(self, records: Sequence[Record]) -> list[bool]:
        """Writes records in order and says of each whether it was acknowledged; stops at the first not accepted."""
        return await self.acknowledged(await self.hand_over(records), of=len(records))

    async def hand_over(self, records: Sequence[Record]) -> list[Handed]:
        """Gives records to the producer in order, for `acknowledged`. From the first on that it does not take, or when the streak
        ends meanwhile, none is given, and the streak is over."""
        handed: list[Handed] = []
        streak = self.streak
        try:
            for record in records:
                if self.streak != streak:
                    break
                handed.append(await self._hand_over(record, self._ack_timeout_seconds))
        except NotAccepted:
            pass
        finally:
            self._refusals += len(handed) < len(records)
        return handed

    async def acknowledged(self, handed: Sequence[Handed], of: int) -> list[bool]:
        """Waits for the broker and says whether it has each of so many records, of which the first ones were handed over."""
        waiting = [future for future in handed if future is not None]
        if waiting:
            await asyncio.wait(waiting, timeout=self._ack_timeout_seconds)
        return [future is None or _acknowledged(future) for future in handed] + [False] * (of - len(handed))

    async def _hand_over(self, record: Record, timeout_seconds: float) -> Handed:
        try:
            # No task of its own: the records of a batch reach the producer without a turn of the loop in between, and go as one.
            async with asyncio.timeout(timeout_seconds):
                acknowledged = await self._publish(record)
        except (KafkaError, *_NOT_TAKEN, TimeoutError) as error:
            raise NotAccepted(type(error).__name__) from error
        if acknowledged is not None:
            acknowledged.add_done_callback(functools.partial(self._judge, self._generation))
        return acknowledged

    async def _publish(self, record: Record) -> Handed:
        if self._replacing and not self._replacing.done():
            await asyncio.wait([self._replacing])
        published = await self._broker.publish(
            record.body,
            record.topic,
            key=record.key,
            partition=record.partition,
            headers={**record.headers, CORRELATION_HEADER: record.correlation_id},
            correlation_id=record.correlation_id,
            no_confirm=True,
        )
        return cast(Handed, published)

    def _judge(self, generation: int, acknowledged: "asyncio.Future[Any]") -> None:
        """Called at the end of each record, however late: the first that failed of a producer is the end of that producer."""
        error = None if acknowledged.cancelled() else acknowledged.exception()
        if error is None or generation != self._generation:
            return
        self._generation += 1
        if not self._stopping:
            log.warning("producer_given_up", error=type(error).__name__)
            self._replacing = asyncio.ensure_future(self._replace())

    async def _replace(self) -> None:
        """Ends the producer, then puts a new one in its place, with new sequence numbers; tries until a broker answers."""
        place: Any = self._broker.config.producer
        ending = asyncio.ensure_future(_end(place._producer.producer))  # noqa: SLF001 - FastStream has no way to replace it
        # What is on the wire fails or arrives first, so that order is kept; if no broker answers, that can take for ever.
        await asyncio.wait([ending], timeout=END_OF_PRODUCER_SECONDS)
        while not await self._replaced(place):  # noqa: ASYNC110 - the broker raises no event when it is back
            await asyncio.sleep(REPLACE_INTERVAL_SECONDS)
        log.info("producer_replaced")

    async def _replaced(self, place: Any) -> bool:
        producer = AIOKafkaProducer(**self._broker._connection_kwargs)  # noqa: SLF001 - as the broker made the first one
        try:
            await asyncio.wait_for(place.connect(producer, place.serializer, place.codec), self._ack_timeout_seconds)
        except (KafkaError, OSError, TimeoutError) as error:
            log.warning("producer_not_replaced", error=type(error).__name__)
            await producer.stop()
            return False
        return True


async def _end(producer: AIOKafkaProducer) -> None:
    """Ends a producer and lets it send nothing more: its own `stop` sends first what it holds."""
    sender, held = producer._sender, producer._message_accumulator  # noqa: SLF001 - aiokafka has no way to drop what is held
    with contextlib.suppress(KafkaError):
        await sender.close()
    held.fail_all(ProducerClosed())
    await producer.stop()


_NOT_TAKEN = (IncorrectState, AssertionError)
"""The producer is stopped or not started yet; the topic has no such partition."""


def _acknowledged(future: "asyncio.Future[Any]") -> bool:
    """Whether the broker has the record by now."""
    return future.done() and not future.cancelled() and future.exception() is None
