"""The publisher: writes records and knows which of them the broker has."""

import asyncio
import functools
from collections.abc import Sequence
from typing import Any, Protocol

import structlog
from aiokafka.errors import KafkaError

from shared.infra.kafka.producer import Handed, NotStarted
from shared.infra.kafka.records import Record

log = structlog.get_logger()

Streak = tuple[int, int]
"""While a publisher's stays the same, its records arrive in the order they are handed over in: none in between is missing."""


class NotAccepted(Exception):
    """The record was never handed to the producer: it cannot arrive."""


class Unconfirmed(Exception):
    """The record was handed over and not acknowledged in time: it may still arrive."""


class RecordProducer(Protocol):
    """What takes records: `Producer`, or in memory what tests hand in."""

    async def send(self, record: Record) -> Handed: ...
    async def replace(self) -> None: ...


class Publisher:
    """Writes records and waits for the broker's acknowledgement. One per process, for outbox, relay, replies and dead letters.

    A batch that the idempotent producer gave up leaves a gap in its sequence numbers, and the broker refuses for ever whatever
    comes behind a gap. So after the first such failure the producer is replaced; until that is done nothing is handed over, and
    what the old one had not sent yet fails: it would overtake what was given up.
    """

    def __init__(self, producer: RecordProducer, ack_timeout_seconds: float = 10.0) -> None:
        self._producer = producer
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
        """From now on the producer is the last one. Call before it is stopped."""
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
                if self._replacing and not self._replacing.done():
                    await asyncio.wait([self._replacing])
                acknowledged = await self._producer.send(record)
        except (KafkaError, *_NOT_TAKEN, TimeoutError) as error:
            raise NotAccepted(type(error).__name__) from error
        if acknowledged is not None:
            acknowledged.add_done_callback(functools.partial(self._judge, self._generation))
        return acknowledged

    def _judge(self, generation: int, acknowledged: "asyncio.Future[Any]") -> None:
        """Called at the end of each record, however late: the first that failed of a producer is the end of that producer."""
        error = None if acknowledged.cancelled() else acknowledged.exception()
        if error is None or generation != self._generation:
            return
        self._generation += 1
        if not self._stopping:
            log.warning("producer_given_up", error=type(error).__name__)
            self._replacing = asyncio.ensure_future(self._producer.replace())


_NOT_TAKEN = (NotStarted, AssertionError)
"""The producer is stopped or not started yet; the topic has no such partition."""


def _acknowledged(future: "asyncio.Future[Any]") -> bool:
    """Whether the broker has the record by now."""
    return future.done() and not future.cancelled() and future.exception() is None
