"""How the publisher hands records to the producer: those of a batch as one, and none for longer than its time."""

import asyncio
from typing import Any

import pytest
from aiokafka.errors import KafkaTimeoutError

from shared.infra.kafka.publisher import NotAccepted, Publisher
from shared.infra.kafka.records import Record

RECORD = Record("topic", b"key", b"{}", "correlation")


class Taking:
    """Takes every record at once, or none ever."""

    def __init__(self, *, stuck: bool = False) -> None:
        self.turns_passed: list[bool] = []
        self._stuck = stuck
        self._turn = asyncio.Event()

    async def send(self, _: Record) -> "asyncio.Future[Any]":
        loop = asyncio.get_running_loop()
        if self._stuck:
            await loop.create_future()
        loop.call_soon(self._turn.set)
        self.turns_passed.append(self._turn.is_set())
        acknowledged: asyncio.Future[Any] = loop.create_future()
        acknowledged.set_result(None)
        return acknowledged

    async def replace(self) -> None:
        """Nothing fails here."""


async def test_the_records_of_a_batch_are_handed_over_in_one_turn_of_the_loop() -> None:
    producer = Taking()
    assert await Publisher(producer).send_all([RECORD] * 5) == [True] * 5
    assert producer.turns_passed == [False] * 5


async def test_a_record_that_the_producer_does_not_take_in_time_is_not_accepted() -> None:
    with pytest.raises(NotAccepted):
        await asyncio.wait_for(Publisher(Taking(stuck=True)).send(RECORD, 0.01), 5)


async def test_a_batch_does_not_go_on_behind_what_was_refused_meanwhile() -> None:
    """What was refused may be what its next record has to follow."""
    producer = Hesitating()
    publisher = Publisher(producer)
    first = asyncio.ensure_future(publisher.hand_over([RECORD, RECORD]))
    await producer.asked.wait()
    before = publisher.streak
    producer.refuses = True
    assert await publisher.hand_over([RECORD]) == []
    producer.refuses = False
    producer.go_on.set()
    assert (len(await first), publisher.streak != before) == (1, True)


class Hesitating(Taking):
    """Takes a record when it is told to, or refuses it."""

    def __init__(self) -> None:
        super().__init__()
        self.asked, self.go_on = asyncio.Event(), asyncio.Event()
        self.refuses = False

    async def send(self, record: Record) -> "asyncio.Future[Any]":
        if self.refuses:
            raise KafkaTimeoutError
        self.asked.set()
        await self.go_on.wait()
        return await super().send(record)
