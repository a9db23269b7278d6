"""What the queue's tables refuse by themselves, whoever writes them; and that migrations and models agree."""

from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.queue.models import metadata
from services.queue.settings import Settings
from shared.infra.postgres import Database
from tests.integration.queue.conftest import TODAY, checked_in, run

BUSINESS = ("queue_days", "entries", "clinic_settings", "audit")
INSERT = """
INSERT INTO entries (id, clinic_id, doctor_id, date, appointment_id, patient_id, position, state, checked_in_at)
VALUES (gen_random_uuid(), $1, $2, $3, $4, gen_random_uuid(), $5, $6, now())
"""


@pytest.mark.parametrize(
    ("position", "state", "refusal"),
    [
        (1, "waiting", asyncpg.UniqueViolationError),
        (0, "waiting", asyncpg.CheckViolationError),
        (2, "elsewhere", asyncpg.CheckViolationError),
    ],
)
async def test_a_place_that_breaks_a_rule_is_refused(
    database: Database, clinic_id: UUID, position: int, state: str, refusal: type[Exception]
) -> None:
    doctor = uuid4()
    await run(database, checked_in(clinic_id, doctor))
    with pytest.raises(refusal):
        async with database.batch({clinic_id}) as (connection, _):
            await connection.execute(INSERT, clinic_id, doctor, TODAY, uuid4(), position, state)


async def test_an_appointment_has_one_entry(database: Database, clinic_id: UUID) -> None:
    message = checked_in(clinic_id, uuid4())
    await run(database, message)
    with pytest.raises(asyncpg.UniqueViolationError):
        async with database.batch({clinic_id}) as (connection, _):
            await connection.execute(INSERT, clinic_id, message.doctor_id, TODAY, message.appointment_id, 2, "waiting")


async def test_an_entry_belongs_to_a_day(database: Database, clinic_id: UUID) -> None:
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        async with database.batch({clinic_id}) as (connection, _):
            await connection.execute(INSERT, clinic_id, uuid4(), TODAY, uuid4(), 1, "waiting")


@pytest.mark.parametrize("table", BUSINESS)
async def test_without_its_clinic_no_row_is_seen(database: Database, clinic_id: UUID, table: str) -> None:
    await run(database, checked_in(clinic_id, uuid4()))
    count = f"SELECT count(*) FROM {table}"
    async with database.hot.acquire() as connection:
        assert await connection.fetchval(count) == 0, "no clinic is set"
    async with database.batch({uuid4()}) as (connection, _):
        assert await connection.fetchval(count) == 0, "another clinic is set"
    async with database.batch({clinic_id}) as (connection, _):
        assert await connection.fetchval(f"SELECT count(*) FROM {table} WHERE clinic_id <> $1", clinic_id) == 0


async def test_a_row_of_another_clinic_is_not_written(database: Database, clinic_id: UUID) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        async with database.batch({clinic_id}) as (connection, _):
            await connection.execute(
                "INSERT INTO queue_days (clinic_id, doctor_id, date) VALUES ($1, $2, $3)", uuid4(), uuid4(), TODAY
            )


async def test_row_security_is_enabled_and_forced_on_all_but_the_technical_tables(database: Database) -> None:
    secured = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r'"
    async with database.hot.acquire() as connection:
        assert {row["relname"] for row in await connection.fetch(secured)} == set(BUSINESS)
    assert set(metadata.tables) - set(BUSINESS) == {"inbox", "outbox"}


async def test_migrations_and_models_agree(service_settings: Callable[[str], Settings]) -> None:
    url = service_settings("queue").postgres.url.get_secret_value()
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))

    def differences(connection: Connection) -> object:
        context = MigrationContext.configure(connection, opts={"compare_server_default": True})
        return compare_metadata(context, metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
