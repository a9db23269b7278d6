"""What the tables refuse, should ever a rule of the code be missing; and that the models are the tables."""

import datetime as dt
from dataclasses import astuple, replace
from typing import Any
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import Connection, inspect

from services.booking.domain.appointments import Appointment, appointment_of
from services.booking.models import metadata
from services.booking.repository import appointments
from shared.contracts.appointments import Reason, Status
from shared.infra.ids import new_id
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import reserved

pytestmark = pytest.mark.integration

NOW = dt.datetime.now(dt.UTC)
HOUR = dt.timedelta(hours=1)
HELD = {"status": Status.PENDING, "expires_at": NOW}


async def written(booking: Booking, *rows: Appointment) -> None:
    async with booking.database.batch({booking.clinic}) as (connection, _):
        await appointments.insert(connection, rows)


async def appointment(booking: Booking, **fields: Any) -> Appointment:
    slot = reserved(booking.clinic, await booking.patient())
    made = appointment_of(slot, patient_id=slot.patient_id, exclusive_day=False, hold_ttl=HOUR, now=NOW)
    return replace(made, **fields)


def like(one: Appointment, **fields: Any) -> Appointment:
    """Another appointment that differs in what every appointment has for itself."""
    return replace(one, **{"id": new_id(), "reservation_id": new_id(), "slot_id": uuid4(), **fields})


async def test_what_is_written_is_what_is_read(booking: Booking) -> None:
    one = await appointment(booking, starts_at=NOW, ends_at=NOW + HOUR, location_id=uuid4(), exclusive_day=True, **HELD)
    await written(booking, one)
    async with booking.database.batch({booking.clinic}) as (connection, _):
        locked = await appointments.lock(connection, {one.key}, NOW)
    assert [astuple(row) for row in locked.found.values()] == [astuple(one)]


@pytest.mark.parametrize(
    "second",
    [
        {"same": "slot_id"},
        {"same": "reservation_id", "status": Status.CANCELLED},
        {"same": "exclusive_day"},
        {"starts_at": NOW + HOUR / 2, "ends_at": NOW + 2 * HOUR},
    ],
)
async def test_two_that_cannot_both_live(booking: Booking, second: dict[str, Any]) -> None:
    same = second.pop("same", None)
    timed = {"starts_at": NOW, "ends_at": NOW + HOUR} if "starts_at" in second else {}
    one = await appointment(booking, exclusive_day=same == "exclusive_day", **timed)
    await written(booking, one)
    two = like(one, **second, **({same: getattr(one, same)} if same else {}))
    with pytest.raises((asyncpg.UniqueViolationError, asyncpg.ExclusionViolationError)):
        await written(booking, two)
    if same != "reservation_id":
        await written(booking, replace(two, status=Status.CANCELLED))


@pytest.mark.parametrize(
    "fields",
    [
        {"status": "lost"},
        {"status": Status.PENDING},
        {"expires_at": NOW},
        {"starts_at": NOW},
        {"starts_at": NOW, "ends_at": NOW},
        {"slot_number": 0},
        {"version": 0},
        {"cancel_reason": Reason.ILL},
        {"status": Status.CANCELLED, "cancel_reason": "whim"},
    ],
)
async def test_what_no_appointment_can_be(booking: Booking, fields: dict[str, Any]) -> None:
    one = await appointment(booking)
    with pytest.raises(asyncpg.CheckViolationError):
        await written(booking, replace(one, **fields))


async def test_an_appointment_is_of_a_patient_of_its_clinic(booking: Booking) -> None:
    stranger = await booking.patient(clinic=uuid4())
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await written(booking, await appointment(booking, patient_id=stranger))


async def test_the_models_are_the_tables(database: Database) -> None:
    def columns(connection: Connection) -> dict[str, list[tuple[str, str, bool]]]:
        look = inspect(connection)
        return {
            table: sorted((c["name"], str(c["type"]), c["nullable"]) for c in look.get_columns(table))
            for table in metadata.tables
        }

    def declared(connection: Connection) -> dict[str, list[tuple[str, str, bool]]]:
        return {
            name: sorted((c.name, c.type.compile(connection.dialect), bool(c.nullable)) for c in table.columns)
            for name, table in metadata.tables.items()
        }

    async with database.engine.connect() as connection:
        found, modelled = await connection.run_sync(columns), await connection.run_sync(declared)
    assert {t: [(n, ty.split(" ")[0], nl) for n, ty, nl in cs] for t, cs in found.items()} == {
        t: [(n, ty.split(" ")[0], nl) for n, ty, nl in cs] for t, cs in modelled.items()
    }
