"""Day locks keep processes from colliding; without them, or without their server, nothing is wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from deploy.embedded.backend import Backend
from deploy.embedded.ports import any_free
from shared.infra.clockwork import Clock
from shared.infra.day_locks import TTL_MS, WAIT_SECONDS, DayLocks
from shared.infra.metrics import LOCKS_SKIPPED
from shared.infra.runtime import make_redis
from shared.infra.settings import RedisSettings


@pytest.fixture
async def redis(servers: Backend) -> AsyncIterator["Redis"]:
    """A client as the services have it."""
    client = make_redis(RedisSettings(url=SecretStr(servers.redis_url), timeout_ms=1_000))
    yield client
    await client.aclose()


def skipped() -> float:
    """How many locks were gone without so far."""
    return float(LOCKS_SKIPPED._value.get())


def key_of(day: str) -> str:
    """Where a lock stands."""
    return f"frontdesk:lock:day:{day}"


async def test_locks_are_held_with_a_time_to_live_and_let_go(redis: "Redis") -> None:
    days = [str(uuid4()), str(uuid4())]
    async with DayLocks(redis, Clock()).hold(days):
        left = [await redis.pttl(key_of(day)) for day in days]
        assert all(0 < ms <= TTL_MS for ms in left)
    assert await redis.exists(*map(key_of, days)) == 0


async def test_a_held_lock_is_waited_for_briefly_then_gone_without(redis: "Redis") -> None:
    day, before = str(uuid4()), skipped()
    async with DayLocks(redis, Clock()).hold([day]):
        holder = await redis.get(key_of(day))
        began = time.monotonic()
        async with DayLocks(redis, Clock()).hold([day]):
            assert time.monotonic() - began >= WAIT_SECONDS
        assert await redis.get(key_of(day)) == holder, "only its owner lets a lock go"
    assert skipped() == before + 1


async def test_the_second_gets_the_lock_when_the_first_lets_go(redis: "Redis") -> None:
    day, inside = str(uuid4()), 0
    locks = DayLocks(redis, Clock())

    async def once() -> None:
        nonlocal inside
        async with locks.hold([day]):
            inside += 1

    before = skipped()
    for _ in range(10):
        await once()
    assert (inside, skipped()) == (10, before)


async def test_without_a_server_the_work_goes_on_and_is_not_slowed_again() -> None:
    away = make_redis(RedisSettings(url=SecretStr(f"redis://127.0.0.1:{any_free()}/0")))
    locks, before = DayLocks(away, Clock()), skipped()
    async with locks.hold(["a", "b"]):
        pass
    assert skipped() == before + 2
    began = time.monotonic()
    for _ in range(100):
        async with locks.hold(["a"]):
            pass
    assert time.monotonic() - began < WAIT_SECONDS * 10
    await away.aclose()


async def test_a_server_that_does_not_answer_costs_its_timeout_once() -> None:
    """Paused, not gone: it takes the connection and says nothing."""

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(-1)
        writer.close()

    port = any_free()
    server = await asyncio.start_server(silent, "127.0.0.1", port)
    client = make_redis(RedisSettings(url=SecretStr(f"redis://127.0.0.1:{port}/0"), timeout_ms=100))
    locks = DayLocks(client, Clock())
    began = time.monotonic()
    for _ in range(20):
        async with locks.hold(["a"]):
            pass
    assert time.monotonic() - began < 1.0
    await client.aclose()
    server.close()
    await server.wait_closed()


async def test_locks_flushed_away_change_nothing(redis: "Redis") -> None:
    day = str(uuid4())
    async with DayLocks(redis, Clock()).hold([day]):
        await redis.delete(key_of(day))
    assert await redis.exists(key_of(day)) == 0
