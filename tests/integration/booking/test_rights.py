"""Whose rows a batch can see and write at all."""

from uuid import UUID, uuid4

import asyncpg
import pytest

from services.booking.models import metadata
from services.booking.repository import notes
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking

pytestmark = pytest.mark.integration

BUSINESS_TABLES = sorted(metadata.tables.keys() - {"inbox", "outbox", "hold_timers", "clinics_with_outcomes"})


async def test_without_a_clinic_there_is_no_row_and_with_another_there_is_none_either(
    booking: Booking, database: Database
) -> None:
    await booking.settings()
    slot = await booking.booked()
    async with database.batch({booking.clinic}) as (connection, _):
        await notes.add(connection, booking.clinic, uuid4(), slot.appointment_id, b"sealed")
    assert await counted(database, booking.clinic) == dict.fromkeys(BUSINESS_TABLES, 1)
    for other in (None, uuid4()):
        assert await counted(database, other) == dict.fromkeys(BUSINESS_TABLES, 0)


async def test_another_clinics_row_cannot_be_written(booking: Booking, database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.batch({uuid4()}) as (connection, _):
            await connection.execute("INSERT INTO clinic_settings VALUES ($1, 1, '{}')", booking.clinic)


async def test_row_security_is_forced_on_every_table_of_business_data(database: Database) -> None:
    forced = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity ORDER BY 1"
    assert [row["relname"] for row in await database.hot.fetch(forced)] == BUSINESS_TABLES


async def counted(database: Database, clinic: UUID | None) -> dict[str, int]:
    """The rows of every business table that a transaction for a clinic sees."""
    async with database.batch({clinic} if clinic else ()) as (connection, _):
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in BUSINESS_TABLES}
