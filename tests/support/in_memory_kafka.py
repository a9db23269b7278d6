"""A list and a queue in the place of Kafka, for services that run in one process: broker and producer of all of them.

Each record is delivered to every group before the next one is. There are no partitions, offsets and redeliveries: those are for
tests on the real Kafka. Used by `in_process.py`.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from faststream.kafka import KafkaBroker

from shared.infra.kafka.producer import Handed
from shared.infra.kafka.records import Record
from tests.support.waiting import DEADLINE_SECONDS


class InMemoryKafka:
    """`Producer` for whoever writes; `broker`, which is FastStream's for tests, finds the consumers of a record."""

    def __init__(self, broker: KafkaBroker) -> None:
        self.broker = broker
        self.records: list[Record] = []
        """All that was written, in order."""
        self._undelivered: asyncio.Queue[Record] = asyncio.Queue()

    async def start(self) -> None:
        """It is there already."""

    async def stop(self) -> None:
        """Others may still write."""

    async def replace(self) -> None:
        """There is nothing to give up."""

    async def send(self, record: Record) -> Handed:
        """Takes a record, which is delivered behind all that were written before."""
        self.records.append(record)
        self._undelivered.put_nowait(record)
        return None

    async def quiet(self) -> None:
        """Returns when all records are delivered, and those that were written meanwhile. Raises what a delivery raised."""
        delivered = asyncio.ensure_future(self._undelivered.join())
        await asyncio.wait({delivered, self._work}, timeout=DEADLINE_SECONDS, return_when=asyncio.FIRST_COMPLETED)
        if self._work.done():
            self._work.result()
        assert delivered.done(), "records are not delivered"

    @asynccontextmanager
    async def delivering(self) -> AsyncIterator[None]:
        """Delivers until the block ends."""
        self._work = asyncio.ensure_future(self._deliver())
        try:
            yield
        finally:
            self._work.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._work

    async def _deliver(self) -> None:
        while True:
            record = await self._undelivered.get()
            await self.broker.publish(
                record.body, record.topic, key=record.key, partition=record.partition, headers=record.headers,
                correlation_id=record.correlation_id,
            )  # fmt: skip
            self._undelivered.task_done()
