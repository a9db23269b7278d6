"""Rows of doctors, patients, days and slots as the services leave them, for tests and benchmarks that need no calls to have them.

Each builder takes a connection to the database of the service that owns the rows; if row security binds it, with the clinic set.
"""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from shared.infra.postgres import Connection

KNOWN = "INSERT INTO clinic_settings (clinic_id, version, settings) VALUES ($1, 0, '{}') ON CONFLICT DO NOTHING"
DOCTORS = """
INSERT INTO doctors (clinic_id, id, code, name, languages, status, version, created_at, updated_at)
SELECT $1, id, id::text, 'Ada', '{}', $3, 1, now(), now() FROM unnest($2::uuid[]) AS id
"""
PATIENTS = """
INSERT INTO patients (clinic_id, id, name, name_key, phone, phone_index, status, version, created_at, updated_at)
SELECT $1, id, 'Ada', 'ada', id::text::bytea, uuid_send(id), $3, 1, now(), now() FROM unnest($2::uuid[]) AS id
"""
DAYS = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT DISTINCT $1::uuid, doctor_id, date, $4::text, true, 'UTC' FROM unnest($2::uuid[], $3::date[]) AS day (doctor_id, date)
"""
SLOTS = """
INSERT INTO slots (clinic_id, doctor_id, date, number, starts_at, ends_at, time_zone)
SELECT $1, doctor_id, date, row_number() OVER (PARTITION BY doctor_id, date ORDER BY starts_at), starts_at,
  starts_at + $5::interval, 'UTC'
FROM unnest($2::uuid[], $3::date[], $4::timestamptz[]) AS slot (doctor_id, date, starts_at)
"""
QUARTER = dt.timedelta(minutes=15)

Day = tuple[UUID, dt.date]
"""A doctor and a date."""
Start = tuple[Day, dt.datetime]
"""When a slot of a day begins."""


async def make_known(connection: Connection, clinic: UUID) -> None:
    """A clinic that has changed no setting, as the service has heard of it; whatever is announced later is newer."""
    await connection.execute(KNOWN, clinic)


async def add_doctors(connection: Connection, clinic: UUID, ids: Sequence[UUID], status: str = "active") -> None:
    """Doctors as a registration leaves them, of a clinic that is known; the code of each is its id."""
    await make_known(connection, clinic)
    await connection.execute(DOCTORS, clinic, ids, status)


async def add_patients(connection: Connection, clinic: UUID, ids: Sequence[UUID], status: str = "active") -> None:
    """Patients as a registration leaves them, of a clinic that is known; the phone of each is its id, and found by no search."""
    await make_known(connection, clinic)
    await connection.execute(PATIENTS, clinic, ids, status)


async def add_days(connection: Connection, clinic: UUID, days: Sequence[Day], mode: str) -> None:
    """Days without slots, `daily` or `timed`."""
    doctors, dates = zip(*days, strict=True)
    await connection.execute(DAYS, clinic, doctors, dates, mode)


async def add_timed_slots(connection: Connection, clinic: UUID, slots: Sequence[Start], length: dt.timedelta = QUARTER) -> None:
    """Free slots that begin at these times, each on its day, and their days, as a schedule leaves them."""
    days, starts = zip(*slots, strict=True)
    await add_days(connection, clinic, days, "timed")
    doctors, dates = zip(*days, strict=True)
    await connection.execute(SLOTS, clinic, doctors, dates, starts, length)


def slots_of_days(
    doctors: Sequence[UUID], dates: Sequence[dt.date], first: dt.time, count: int = 1, length: dt.timedelta = QUARTER
) -> list[Start]:
    """The same slots of all these doctors on all these dates, one behind the other from a time on, in UTC."""
    starts = [dt.datetime.combine(date, first, dt.UTC) + number * length for date in dates for number in range(count)]
    return [((doctor, start.date()), start) for doctor in doctors for start in starts]
