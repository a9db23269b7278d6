"""What availability's tables refuse by themselves, and whose rows a transaction sees."""

from collections.abc import Callable
from uuid import UUID, uuid4

import asyncpg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine

from services.availability.models import metadata
from services.availability.settings import Settings
from shared.infra.postgres import Database
from tests.integration.availability.availability import Availability, book

BUSINESS = sorted(
    metadata.tables.keys() - {"inbox", "outbox", "publications", "revocations", "unacknowledged", "clinics_with_outcomes"}
)
ROWS = {
    "outcomes": "SELECT $1, gen_random_uuid(), 'x', 'x', 'x', 200, NULL, NULL, now(), now(), now()",
    "categories": "SELECT $1, gen_random_uuid(), 'x', 'x', 1, now(), now()",
    "price_ranges": "SELECT $1, gen_random_uuid(), 'x', 'x', 'GBP', 1, 2, 1, now(), now()",
    "locations": "SELECT $1, gen_random_uuid(), id, 0, 'x', '\"x\"' FROM doctors",
    "schedule_entries": "SELECT $1, id, 0, 1, 540, 600, NULL, 15 FROM doctors",
    "exceptions": "SELECT $1, gen_random_uuid(), id, 'closed', now(), now(), NULL, NULL, NULL, NULL, 'ill', now() FROM doctors",
}
"""A row of each table that a booking leaves empty."""


async def opened(service: Availability) -> UUID:
    """A doctor with a day of which one place is taken."""
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    return doctor


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ("number = 2 WHERE number = 3", asyncpg.UniqueViolationError),
        ("number = 0 WHERE number = 3", asyncpg.CheckViolationError),
        ("state = 'lost' WHERE number = 3", asyncpg.CheckViolationError),
        ("state = 'taken' WHERE number = 3", asyncpg.CheckViolationError),
        ("state = 'taken', reservation_id = gen_random_uuid() WHERE number = 3", asyncpg.CheckViolationError),
        ("state = 'free' WHERE number = 1", asyncpg.CheckViolationError),
        ("appointment_id = NULL WHERE number = 1", asyncpg.CheckViolationError),
        ("starts_at = now() WHERE number = 3", asyncpg.CheckViolationError),
        ("starts_at = now(), ends_at = now(), time_zone = 'UTC' WHERE number = 3", asyncpg.CheckViolationError),
        ("date = date + 1 WHERE number = 3", asyncpg.ForeignKeyViolationError),
    ],
)
async def test_a_slot_that_breaks_a_rule_is_refused(service: Availability, change: str, refusal: type[Exception]) -> None:
    doctor = await opened(service)
    with pytest.raises(refusal):
        await service.execute(f"UPDATE slots SET {change} AND doctor_id = $1", doctor)


async def test_a_reservation_holds_one_slot(service: Availability) -> None:
    doctor = await opened(service)
    (held,) = await service.rows("SELECT reservation_id FROM slots WHERE state = 'taken'")
    with pytest.raises(asyncpg.UniqueViolationError):
        await service.execute(
            "UPDATE slots SET state = 'taken', reservation_id = $2, appointment_id = $2 WHERE doctor_id = $1 AND number = 5",
            *(doctor, held[0]),
        )


async def test_a_doctor_has_no_two_slots_at_one_time(service: Availability) -> None:
    doctor = await opened(service)
    nine = "2030-01-01 09:{:02}+00"
    for number, start, end in ((2, 0, 15), (3, 15, 30)):
        await service.execute(_times(number, nine.format(start), nine.format(end)), doctor)
    with pytest.raises(asyncpg.ExclusionViolationError):
        await service.execute(_times(4, nine.format(10), nine.format(20)), doctor)
    await service.execute(_times(4, nine.format(10), nine.format(20)), await opened(service))


def _times(number: int, start: str, end: str) -> str:
    return (
        f"UPDATE slots SET starts_at = '{start}', ends_at = '{end}', time_zone = 'UTC' WHERE doctor_id = $1 AND number = {number}"
    )


@pytest.mark.parametrize("table", BUSINESS)
async def test_without_its_clinic_no_row_is_seen(service: Availability, table: str) -> None:
    await opened(service)
    await service.settings()
    if table in ROWS:
        await service.execute(f"INSERT INTO {table} {ROWS[table]}", service.clinic)
    count = f"SELECT count(*) FROM {table}"
    assert (await service.rows(count))[0][0] > 0
    async with service.database.hot.acquire() as connection:
        assert await connection.fetchval(count) == 0, "no clinic is set"
    assert await service.rows(count, clinic=uuid4()) == [(0,)], "another clinic is set"
    assert await service.rows(f"{count} WHERE clinic_id <> $1", service.clinic) == [(0,)]


async def test_a_row_of_another_clinic_is_not_written(service: Availability) -> None:
    doctor = await opened(service)
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await service.execute("UPDATE doctors SET clinic_id = $2 WHERE id = $1", doctor, uuid4())


async def test_row_security_is_enabled_and_forced_on_all_but_the_technical_tables(database: Database) -> None:
    secured = "SELECT relname FROM pg_class WHERE relrowsecurity AND relforcerowsecurity AND relkind = 'r' ORDER BY relname"
    async with database.hot.acquire() as connection:
        assert [row["relname"] for row in await connection.fetch(secured)] == BUSINESS


async def test_migrations_and_models_agree(service_settings: Callable[[str], Settings]) -> None:
    url = service_settings("availability").postgres.url.get_secret_value()
    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))

    def differences(connection: Connection) -> object:
        return compare_metadata(MigrationContext.configure(connection, opts={"compare_server_default": True}), metadata)

    async with engine.connect() as connection:
        assert await connection.run_sync(differences) == []
    await engine.dispose()
