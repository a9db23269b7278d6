"""A database with inbox, outbox and a table of effects, and a bench on it for each test; a service's own database."""

from collections.abc import AsyncIterator, Callable
from uuid import UUID

import asyncpg
import pytest
from sqlalchemy import BigInteger, Column, Table
from sqlalchemy.dialects.postgresql import UUID as Uuid
from sqlalchemy.ext.asyncio import create_async_engine

from deploy.embedded.backend import Backend
from deploy.stores import databases
from shared.contracts.topics import Topic
from shared.infra import tables
from shared.infra.postgres import Database
from shared.infra.settings import ServiceSettings
from tests.integration.infra.bench import Bench, NoteTaken, TakeNote, letters_of, producer_on

NAME = "bench"
PARTITIONS = 4


@pytest.fixture(scope="session")
async def bench_url(servers: Backend) -> str:
    """URL of the bench's database with its tables, as the process's role reaches it."""
    passwords = servers.secrets.passwords(databases.role_names((NAME,)))
    databases.prepare(servers.postgres_dsn(), passwords, (NAME,))
    owner = databases.owner_dsns(servers.postgres_dsn(), passwords, (NAME,))[NAME]
    meta = tables.metadata()
    tables.inbox_table(meta)
    tables.outbox_table(meta)
    Table("notes", meta, Column("message_id", Uuid), Column("clinic_id", Uuid), Column("number", BigInteger))
    engine = create_async_engine(owner.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.run_sync(meta.create_all)
    await engine.dispose()
    return databases.app_dsns(servers.postgres_dsn(), passwords, (NAME,))[NAME]


@pytest.fixture
async def bench(servers: Backend, bench_url: str, clinic_id: UUID) -> AsyncIterator[Bench]:
    """Topic, group and clinic of this test's own."""
    group = f"group-{clinic_id.hex}"
    topic = Topic(
        f"topic-{clinic_id.hex}", "clinic:doctor:date", (NoteTaken, TakeNote), (group,), commands=True, partitions=PARTITIONS
    )
    sql = await asyncpg.connect(bench_url)
    async with producer_on(servers.kafka_bootstrap) as producer:
        made = Bench(servers.kafka_bootstrap, bench_url, servers.redis_url, topic, group, clinic_id, producer, sql)
        await made.make(topic, letters_of(topic, group))
        yield made
        for runtime in made.running:
            await runtime.stop()
    await sql.execute("DELETE FROM outbox")
    await sql.close()


@pytest.fixture
async def database(service_settings: Callable[[str], ServiceSettings]) -> AsyncIterator[Database]:
    """Both pools of booking's database, as a service that has all the technical tables."""
    database = await Database.connect(service_settings("booking").postgres, "test-infra")
    yield database
    await database.close()
