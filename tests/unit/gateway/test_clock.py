"""The gateway's notion of the database's time outlives the database."""

import asyncio
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest
from structlog.testing import capture_logs

from services.gateway.clock import REFRESH_SECONDS, DatabaseClock
from shared.infra.jobs import repeat
from tests.support.clock import FakeClock

pytestmark = pytest.mark.unit

HOUR = timedelta(hours=1)


async def test_while_the_database_is_away_its_last_offset_stands() -> None:
    answers: list[datetime | Exception] = [
        datetime.now(UTC) + HOUR, ConnectionRefusedError(), asyncpg.InternalClientError("unexpected state"),
    ]  # fmt: skip
    stopping, clock = asyncio.Event(), FakeClock()

    async def ask() -> datetime:
        answer = answers.pop(0)
        if not answers:
            stopping.set()
        if isinstance(answer, Exception):
            raise answer
        return answer

    database_clock = DatabaseClock(ask, clock)
    with capture_logs() as logs:
        await asyncio.wait_for(repeat(database_clock.job(), stopping, clock), 5)
    assert abs(database_clock.now() - datetime.now(UTC) - HOUR) < timedelta(seconds=1)
    assert [one["event"] for one in logs] == ["clock_not_refreshed"] * 2
    assert clock.pauses == [REFRESH_SECONDS] * 2
