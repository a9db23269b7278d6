"""What a later release has said or written, at a booking that does not know its words: kept, shown, and never decided upon."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import TypeAlias

import asyncpg
import pytest
from httpx2 import AsyncClient

from shared.contracts.later_values import value_of
from shared.contracts.problems import Code
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import cancel, refused

pytestmark = pytest.mark.integration

Sql: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
LATER = "of_a_later_release"


async def test_a_refusal_by_a_later_code_is_stored_and_told_with_its_status(client: AsyncClient, booking: Booking) -> None:
    refusal = refused(booking.clinic, await booking.patient(), value_of(Code, LATER), status_code=422)
    [answer] = (await booking.deliver(refusal)).answers
    assert (answer.status_code, answer.code) == (422, LATER)
    asked = {"commands": [{"clinic_id": str(booking.clinic), "command_id": str(refusal.command_id)}]}
    [found] = (await client.post("/internal/commands/look", json=asked)).json()["outcomes"]
    assert (found["answer"]["status_code"], found["answer"]["code"]) == (422, LATER)


@pytest.fixture
async def later_schema(superuser: Callable[[str], Awaitable[Sql]]) -> AsyncIterator[Sql]:
    """The tables of a later release, whose appointments may have another status."""
    sql = await superuser("booking")
    check = await sql.fetchval("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'ck_appointments_status'")
    await sql.execute("ALTER TABLE appointments DROP CONSTRAINT ck_appointments_status")
    yield sql
    await sql.execute("UPDATE appointments SET status = 'booked' WHERE status = $1", LATER)
    await sql.execute(f"ALTER TABLE appointments ADD CONSTRAINT ck_appointments_status {check}")


async def test_an_appointment_with_a_later_status_is_shown_and_not_changed(
    client: AsyncClient, booking: Booking, later_schema: Sql
) -> None:
    slot = await booking.booked()
    await later_schema.execute("UPDATE appointments SET status = $2 WHERE id = $1", slot.appointment_id, LATER)
    shown = (await client.get(f"/internal/appointments/{slot.appointment_id}")).json()
    assert shown["status"] == LATER
    with pytest.raises(ValueError, match=LATER):
        await booking.deliver(cancel(booking.clinic, slot.appointment_id))
    assert (await client.get(f"/internal/appointments/{slot.appointment_id}")).json() == shown
