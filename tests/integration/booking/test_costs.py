"""What a batch costs: as many statements for a hundred messages as for one. And whose rows it can see at all."""

from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from services.booking.models import metadata
from shared.contracts.envelope import Message
from shared.infra.postgres import Database
from tests.integration.booking.desk import Desk
from tests.support.statements import calls_during
from tests.unit.booking.messages import cancel, check_in, freed, queued, refused, repeated, reserved

pytestmark = pytest.mark.integration

BUSINESS_TABLES = sorted(metadata.tables.keys() - {"inbox", "outbox"})


async def mixed(desk: Desk, size: int) -> list[Message]:
    """`size` of everything that booking reads."""
    messages: list[Message] = []
    for _ in range(size):
        patient, gone, here = await desk.patient(), await desk.booked(), await desk.booked()
        slot, stranger = reserved(desk.clinic, patient), reserved(desk.clinic, uuid4())
        cancelling = cancel(desk.clinic, gone.appointment_id)
        arriving = check_in(desk.clinic, here.appointment_id, here.patient_id)
        messages += [slot, stranger, cancelling, arriving, repeated(slot), refused(desk.clinic, patient)]
        messages += [freed(gone, uuid4()), queued(arriving, here)]
    return messages


async def test_a_batch_of_bookings_costs_as_many_statements_for_a_hundred_as_for_one(desk: Desk) -> None:
    await desk.booked()  # a connection asks for types that it meets for the first time
    one = await desk.deliver(reserved(desk.clinic, await desk.patient()))
    hundred = await desk.deliver(*[reserved(desk.clinic, await desk.patient()) for _ in range(100)])
    assert hundred.statements == one.statements
    assert len(one.statements) == 5, "inbox, outcomes that exist, patients, appointments, outcomes"


async def test_a_batch_of_everything_costs_as_many_statements_for_a_hundred_as_for_one(desk: Desk) -> None:
    await desk.settings(one_booking_per_patient_day=True)
    one = await desk.deliver(*await mixed(desk, 1))
    many = await desk.deliver(*await mixed(desk, 25))
    assert len(one.unit.said) == 5 and len(many.unit.said) == 125
    assert many.statements == one.statements


async def test_the_server_counts_as_many_statements_for_a_hundred_as_for_one(desk: Desk, superuser: Callable[..., Any]) -> None:
    server, role = await superuser("booking"), "booking_app"
    await desk.booked()
    batches = [[reserved(desk.clinic, await desk.patient()) for _ in range(size)] for size in (1, 100)]
    one, hundred = [await calls_during(server, role, desk.deliver(*batch)) for batch in batches]
    assert one == hundred > 5


async def test_settling_alone_looks_for_nothing(desk: Desk) -> None:
    slot = await desk.booked()
    said = await desk.deliver(freed(slot, slot.command_id))
    assert len(said.statements) == 2, "inbox and settling"


async def test_without_a_clinic_there_is_no_row_and_with_another_there_is_none_either(desk: Desk, database: Database) -> None:
    await desk.settings()
    await desk.booked()
    assert await counted(database, desk.clinic) == dict.fromkeys(BUSINESS_TABLES, 1)
    for other in (None, uuid4()):
        assert await counted(database, other) == dict.fromkeys(BUSINESS_TABLES, 0)


async def test_another_clinics_row_cannot_be_written(desk: Desk, database: Database) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="row-level security"):
        async with database.batch({uuid4()}) as (connection, _):
            await connection.execute("INSERT INTO clinic_settings VALUES ($1, 1, '{}')", desk.clinic)


async def test_row_security_is_forced_on_every_table_of_business_data(database: Database) -> None:
    forced = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relrowsecurity AND relforcerowsecurity ORDER BY 1"
    assert [row["relname"] for row in await database.hot.fetch(forced)] == BUSINESS_TABLES


async def counted(database: Database, clinic: UUID | None) -> dict[str, int]:
    """The rows of every business table that a transaction for a clinic sees."""
    async with database.batch({clinic} if clinic else ()) as (connection, _):
        return {table: await connection.fetchval(f"SELECT count(*) FROM {table}") for table in BUSINESS_TABLES}
