"""`frontdesk psql`: everything is seen, and nothing can be written, whatever is tried."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.stores.databases import READER_ROLE, on_database, prepare, role_names
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic
from tests.support.servers import Databases

SERVICES = installation.names()

WRITES = (
    "INSERT INTO clinic_settings VALUES (gen_random_uuid(), 1, '{}')",
    "UPDATE inbox SET type = 'x'",
    "DELETE FROM outbox",
    "TRUNCATE inbox",
    "DROP TABLE inbox",
    "ALTER TABLE inbox DISABLE TRIGGER ALL",
    "CREATE TABLE mine ()",
    "CREATE TEMPORARY TABLE mine ()",
    "SELECT nextval(pg_get_serial_sequence('outbox', 'id'))",
    "SELECT lo_create(0)",
    "CREATE ROLE mine",
    "SET ROLE booking_owner",
    "COPY (SELECT 1) TO PROGRAM 'true'",
)


@asynccontextmanager
async def connected(databases: Databases, database: str) -> AsyncIterator[Any]:
    """The reader on a database, as who has its password."""
    reader = await asyncpg.connect(on_database(databases.reader(), database))
    try:
        yield reader
    finally:
        await reader.close()


async def test_the_rows_of_all_clinics_are_seen(cli: Cli, clinic: Clinic) -> None:
    patient = await clinic.patient()
    sql = f"SELECT id, status FROM patients WHERE id = '{patient}'"
    assert await cli.json("psql", "booking", "-c", sql, "--json") == {"columns": ["id", "status"], "rows": [[patient, "active"]]}
    assert f"{patient}  active\n(1 rows)" in await cli.text("psql", "booking", "-c", sql)


@pytest.mark.parametrize("service", SERVICES)
async def test_every_database_lets_the_reader_in(cli: Cli, service: str) -> None:
    assert (await cli.json("psql", service, "-c", "SELECT count(*) FROM outbox", "--json"))["columns"] == ["count"]


@pytest.mark.parametrize("service", SERVICES)
async def test_every_table_of_the_services_is_read_and_none_of_the_server(
    databases: Databases, superuser: Callable[..., Any], service: str
) -> None:
    owner = await superuser(service)
    tables = [row["tablename"] for row in await owner.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    assert "alembic_version" in tables
    async with connected(databases, service) as reader:
        for table in tables:
            await reader.fetch(f'SELECT * FROM "{table}" LIMIT 1')
        for verifiers in ("pg_authid", "pg_user_mapping", "pg_subscription"):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await reader.fetch(f"SELECT * FROM {verifiers}")


async def test_what_a_reader_of_before_could_read_it_cannot_any_more(
    databases: Databases, servers: Backend, superuser: Callable[..., Any]
) -> None:
    await (await superuser("booking")).execute(f"GRANT pg_read_all_data TO {READER_ROLE}")
    prepare(servers.postgres_dsn(), servers.secrets.passwords(role_names()))
    async with connected(databases, "booking") as reader:
        assert await reader.fetchval("SELECT count(*) FROM outbox") >= 0
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.fetch("SELECT rolpassword FROM pg_authid")


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_nor_does_it_write_beside_the_services(databases: Databases, database: str) -> None:
    async with connected(databases, database) as reader:
        await reader.execute("SET default_transaction_read_only = off")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute("CREATE TEMPORARY TABLE mine ()")


@pytest.mark.parametrize("statement", WRITES)
async def test_it_never_writes(cli: Cli, databases: Databases, statement: str) -> None:
    await cli.text("psql", "booking", "-c", statement, code=1)
    async with connected(databases, "booking") as reader:
        await reader.execute("SET default_transaction_read_only = off")  # as anybody can: it is the right that is missing
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await reader.execute(statement)


async def test_what_is_not_there_or_not_sql(cli: Cli) -> None:
    await cli.text("psql", "nobody", "-c", "SELECT 1", code=3)
    wrong = await cli.run("psql", "booking", "-c", "SELEC 1")
    assert wrong.exit_code == 1 and "syntax error" in wrong.stderr
    wanting = await cli.run("psql", "booking", "-c", "SELECT $1::int")
    assert wanting.exit_code == 1 and "1 argument" in wanting.stderr
    away = await cli.run("psql", "booking", "-c", "SELECT 1", POSTGRES_READER_URL="postgresql://x:y@127.0.0.1:1/postgres")
    assert away.exit_code == 4 and ":y@" not in away.stderr
