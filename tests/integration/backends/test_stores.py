"""A server that a test kills or freezes behaves the same on every backend, and is as before when it is back."""

import asyncio
import functools
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest
from aiokafka.errors import KafkaError
from redis.exceptions import RedisError

from deploy.embedded.backend import Backend
from deploy.stores import probes
from tests.support.stack import Stacks
from tests.support.stores import Store, Stores
from tests.support.waiting import eventually

AWAY = (OSError, KafkaError, RedisError, asyncpg.PostgresError)


@pytest.fixture(params=["kafka", "redis", "postgres"])
def name(request: pytest.FixtureRequest, stacks: Stacks) -> str:
    """Each of the three, while no services stand on it."""
    stacks.stop()
    return str(request.param)


@pytest.fixture
def store(name: str, stores: Stores) -> Store:
    """What may be done to it."""
    found: Store = getattr(stores, name)
    return found


@pytest.fixture
def ask(name: str, servers: Backend) -> Callable[[], Awaitable[None]]:
    """Ask it once."""
    return {
        "kafka": lambda: probes.kafka(servers.kafka_connection),
        "redis": lambda: probes.redis(servers.redis_url),
        "postgres": lambda: probes.postgres(servers.postgres_dsn()),
    }[name]


async def test_a_killed_server_is_away_until_it_is_started(store: Store, ask: Callable[[], Awaitable[None]]) -> None:
    await asyncio.to_thread(store.kill)
    try:
        with pytest.raises(AWAY):
            await ask()
    finally:
        await asyncio.to_thread(store.start)
    await ask()


async def test_a_frozen_server_answers_nobody_until_it_goes_on(store: Store, ask: Callable[[], Awaitable[None]]) -> None:
    await asyncio.to_thread(store.freeze)
    try:
        with pytest.raises(AWAY):
            await ask()
    finally:
        await asyncio.to_thread(store.thaw)
    await eventually(functools.partial(answers, ask))


async def answers(ask: Callable[[], Awaitable[None]]) -> bool:
    """Whether it does by now: a Kafka that was frozen for long has to register again."""
    try:
        await ask()
    except AWAY:
        return False
    return True


async def test_what_was_committed_outlives_a_kill(servers: Backend, stores: Stores, stacks: Stacks) -> None:
    stacks.stop()
    table = f"kept_{uuid4().hex}"
    await run(servers, f"CREATE TABLE {table} AS SELECT 7 AS number")
    await asyncio.to_thread(stores.postgres.kill)
    await asyncio.to_thread(stores.postgres.start)
    assert await run(servers, f"SELECT number FROM {table}") == 7
    await run(servers, f"DROP TABLE {table}")


async def run(servers: Backend, statement: str) -> object:
    """The value of one statement on a connection of its own."""
    connection = await asyncpg.connect(servers.postgres_dsn())
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()
