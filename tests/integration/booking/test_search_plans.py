"""How much of a large clinic a search reads: by an index, under row security, also when it finds little."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Select
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg

from services.booking.repository import appointment_search, patient_search
from services.booking.repository.appointment_search import AppointmentFilter
from services.booking.repository.patient_search import PatientFilter
from shared.contracts.appointments import Status
from tests.integration.booking.booking import Booking

pytestmark = pytest.mark.integration

MANY = 20_000
PEOPLE = """
INSERT INTO patients (clinic_id, id, name, name_key, phone, phone_index, status, version, created_at, updated_at)
SELECT $1, gen_random_uuid(), name, lower(name), 'x', uuid_send(gen_random_uuid()), 'active', 1, now(), now()
FROM (SELECT 'Given' || number % 700 || ' Family' || number AS name FROM generate_series(1, $2) AS number) AS people
"""
HISTORY = """
INSERT INTO appointments (clinic_id, id, doctor_id, patient_id, date, time_zone, slot_id, slot_number, reservation_id, status,
  exclusive_day, version, created_at, updated_at, command_id)
SELECT $1, gen_random_uuid(), $2, $2, date '2020-01-01' + number / 20, 'UTC', gen_random_uuid(), number % 20 + 1,
  gen_random_uuid(), CASE WHEN number > $3 - 20 THEN 'booked' ELSE 'fulfilled' END, false, 1, now(), now(), gen_random_uuid()
FROM generate_series(1, $3) AS number
"""


async def rows_read(booking: Booking, statement: Select[Any]) -> int:
    """How many rows the plan of a statement touches, those that it throws away with them."""
    dialect = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy's own constructor has no types
    sql = str(statement.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    async with booking.database.batch({booking.clinic}) as (connection, _):
        (plan,) = json.loads(await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON) {sql}"))
    return _rows(plan["Plan"])


def _rows(node: dict[str, Any]) -> int:
    own = (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
    return int(own) + sum(_rows(child) for child in node.get("Plans", ()))


@pytest.fixture
async def large(booking: Booking, superuser: Callable[..., Any]) -> UUID:
    """A clinic of many people, of whom one has a long history. Whose it is comes back."""
    patient = await booking.patient()
    admin = await superuser("booking")
    await admin.execute(PEOPLE, booking.clinic, MANY)
    await admin.execute(HISTORY, booking.clinic, patient, MANY)
    await admin.execute("ANALYZE patients, patient_words, appointments")
    return patient


@pytest.mark.usefixtures("large")
async def test_a_search_by_name_reads_whom_it_finds(booking: Booking) -> None:
    for words, found in ((["family777"], 11), (["given7", "family777"], 11), (["nobody"], 0)):
        wanted = PatientFilter(None, None, None, " ".join(words), None)
        read = await rows_read(booking, patient_search.page_of(booking.clinic, wanted, words, 50))
        assert read < MANY / 10, (words, read, found)


@pytest.mark.usefixtures("large")
async def test_a_list_by_status_reads_what_it_shows(booking: Booking) -> None:
    for status in (Status.BOOKED, Status.NO_SHOW, Status.PENDING):
        wanted = AppointmentFilter(status=status)
        read = await rows_read(booking, appointment_search.page_of(booking.clinic, wanted, 50, datetime.now(UTC)))
        assert read < 200, (status, read)
