"""Servers that somebody else runs, given by their addresses (`TEST_BACKEND=urls`). Nobody stops or kills them.

They are for tests only, for one session at a time; what it makes there is removed at its end. Databases of tests carry a mark, so
that those of a killed session are replaced, and anything of ours without it is somebody's: refused. Called by `servers`.
"""

import os
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient

from deploy import blocking, installation
from deploy.embedded.backend import Backend
from deploy.embedded.failure import StackError
from deploy.stores import databases, probes
from deploy.stores.topics import declared_topics
from tests.support.prepared import prepare
from tests.support.waiting import eventually

POSTGRES, KAFKA, REDIS = ADDRESSES = ("TEST_POSTGRES_URL", "TEST_KAFKA_BOOTSTRAP_SERVERS", "TEST_REDIS_URL")
MARK = "made by the tests of Frontdesk"
NEEDED_LIBRARY = "pg_stat_statements"


def missing() -> list[str]:
    """Which addresses the environment does not have."""
    return [name for name in ADDRESSES if not os.environ.get(name)]


class Given(Backend):
    """The addresses that the environment had."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._postgres, self._kafka, self._redis = (os.environ[name] for name in ADDRESSES)

    @property
    def kafka_bootstrap(self) -> str:
        return self._kafka

    @property
    def redis_url(self) -> str:
        return self._redis

    def postgres_dsn(self, database: str = "postgres") -> str:
        return databases.on_database(self._postgres, database)


class Content(NamedTuple):
    """Names of what is on the servers."""

    databases: frozenset[str]
    roles: frozenset[str]
    topics: frozenset[str]


OURS = Content(
    databases=frozenset(installation.names()),
    roles=frozenset(databases.role_names()),
    topics=frozenset(topic.name for topic in declared_topics()),
)


@contextmanager
def given(folder: Path) -> Iterator[Given]:
    """The given servers, prepared, if all of them serve; afterwards without what was made on them meanwhile."""
    servers = Given(folder)
    blocking.run(_check(servers))
    before = blocking.run(_claim(servers))
    try:
        prepare(servers)
        blocking.run(_mark(servers.postgres_dsn()))
        yield servers
    finally:
        blocking.run(_reduce_to(before, servers))


async def _check(servers: Given) -> None:
    """Raise unless all servers are there and fit; the error names each that is not."""
    asked: dict[str, Coroutine[Any, Any, None]] = {
        POSTGRES: _postgres_fits(servers.postgres_dsn()),
        KAFKA: probes.kafka(servers.kafka_connection),
        REDIS: probes.redis(servers.redis_url),
    }
    faults = []
    for name, answer in asked.items():
        try:
            await answer
        except Exception as error:  # noqa: BLE001  # whatever a client raises: the person learns which server it was
            faults.append(f"\n  {name}: {error or type(error).__name__}")
    if faults:
        raise StackError(f"TEST_BACKEND=urls: not every server can be used{''.join(faults)}")


async def _postgres_fits(dsn: str) -> None:
    await probes.postgres(dsn)
    async with _connection(dsn) as server:
        if not await server.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = current_user"):
            raise StackError("its user is no superuser")
        if NEEDED_LIBRARY not in await server.fetchval("SHOW shared_preload_libraries"):
            raise StackError(f"start it with -c shared_preload_libraries={NEEDED_LIBRARY}: tests count statements")


async def _claim(servers: Given) -> Content:
    """Take the servers for this session: what else is on them. A killed session's databases go; what may be somebody's stays."""
    found = await content(servers)
    async with _connection(servers.postgres_dsn()) as server:
        rows = await server.fetch("SELECT datname FROM pg_database WHERE shobj_description(oid, 'pg_database') = $1", MARK)
        left = frozenset(name for (name,) in rows)
        foreign = (found.databases & OURS.databases - left) | (frozenset() if left else found.topics & OURS.topics)
        if foreign:
            raise StackError(f"TEST_BACKEND=urls: tests have not made these, nothing was touched: {', '.join(sorted(foreign))}")
        for name in left:
            await server.execute(f'DROP DATABASE "{name}"')
    return Content(found.databases - left, found.roles - OURS.roles, found.topics - OURS.topics)


async def _mark(dsn: str) -> None:
    async with _connection(dsn) as server:
        for name in installation.names():
            await server.execute(f"""COMMENT ON DATABASE "{name}" IS '{MARK}'""")


async def content(servers: Backend) -> Content:
    """What is on the servers now."""
    async with _connection(servers.postgres_dsn()) as server, _admin(servers.kafka_bootstrap) as kafka:
        return Content(
            frozenset(name for (name,) in await server.fetch("SELECT datname FROM pg_database")),
            frozenset(name for (name,) in await server.fetch("SELECT rolname FROM pg_roles")),
            frozenset(name for name in await kafka.list_topics() if not name.startswith("__")),
        )


async def _reduce_to(before: Content, servers: Given) -> None:
    """Drop what was not there before: databases with whoever is still connected, then roles, then topics."""
    now = await content(servers)
    async with _connection(servers.postgres_dsn()) as server:
        for name in now.databases - before.databases:
            await server.execute(f'DROP DATABASE "{name}" WITH (FORCE)')
        for name in now.roles - before.roles:
            await server.execute(f'DROP ROLE "{name}"')
    async with _admin(servers.kafka_bootstrap) as kafka:
        await kafka.delete_topics(sorted(now.topics - before.topics))
    await eventually(lambda: _are_gone(servers, now.topics - before.topics))


async def _are_gone(servers: Given, topics: frozenset[str]) -> bool:
    """Kafka deletes after its answer; a next session would find them."""
    return not topics & (await content(servers)).topics


@asynccontextmanager
async def _connection(dsn: str) -> "AsyncIterator[asyncpg.Connection[asyncpg.Record]]":
    connection = await asyncpg.connect(dsn)
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def _admin(bootstrap: str) -> AsyncIterator[AIOKafkaAdminClient]:
    client = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await client.start()
        yield client
    finally:
        await client.close()
