"""What a gateway begins with Kafka is tried again until it succeeds, or the process stops."""

import asyncio

from services.gateway.kafka_connection import RETRY_SECONDS, retry_until_done
from tests.support.clock import FakeClock


async def test_what_fails_is_tried_again() -> None:
    clock, attempts = FakeClock(), list[int]()

    async def attempt() -> None:
        attempts.append(1)
        if len(attempts) < 3:
            raise ConnectionError

    assert await retry_until_done(clock, asyncio.Event(), attempt, "not_reached")
    assert len(attempts) == 3 and clock.pauses == [RETRY_SECONDS] * 2


async def test_a_stopping_process_tries_no_more() -> None:
    stopping = asyncio.Event()

    async def attempt() -> None:
        stopping.set()
        raise ConnectionError

    assert not await retry_until_done(FakeClock(), stopping, attempt, "not_reached")
