"""The locks of a batch: its doctors, the days that it makes, its days. Called by `slots/batch.py` and by displacements."""

from collections.abc import Collection, Mapping

from services.availability.domain.days import BookableDoctor, Day, DayKey, DoctorKey
from services.availability.repository.doctors.location_zones import LOCATION_ZONES
from services.availability.repository.rows import day_key
from shared.contracts.availability import Mode
from shared.contracts.shapes import Active
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

# The zones are those of before a wait for the lock: a day that a booking makes then is as if it had been made before the change.
LOCK_DOCTORS = f"""
SELECT doctors.clinic_id, doctors.id, doctors.status, doctors.scheduled, {LOCATION_ZONES} AS location_zones
FROM doctors JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
ORDER BY doctors.clinic_id, doctors.id FOR SHARE OF doctors
"""
# A closed date has no day to make, and one with extra hours has times: its day is made with them.
MAKE_DAYS = """
INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone)
SELECT clinic_id, doctor_id, date, 'daily', true, time_zone
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::text[]) AS asked(clinic_id, doctor_id, date, time_zone)
WHERE NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = asked.clinic_id AND exceptions.doctor_id = asked.doctor_id
                                           AND asked.date BETWEEN exceptions.from_date AND exceptions.to_date)
ORDER BY clinic_id, doctor_id, date
ON CONFLICT DO NOTHING RETURNING clinic_id, doctor_id, date
"""
LOCK_DAYS = """
SELECT days.clinic_id, days.doctor_id, days.date, days.mode, days.time_zone, days.available AND NOT EXISTS (
         SELECT FROM exceptions WHERE exceptions.clinic_id = days.clinic_id AND exceptions.doctor_id = days.doctor_id
           AND exceptions.kind = 'closed' AND days.date BETWEEN exceptions.from_date AND exceptions.to_date) AS available
FROM days JOIN unnest($1::uuid[], $2::uuid[], $3::date[]) AS asked(clinic_id, doctor_id, date) USING (clinic_id, doctor_id, date)
ORDER BY days.clinic_id, days.doctor_id, days.date FOR UPDATE OF days
"""


async def lock_doctors(connection: Connection, doctors: Collection[DoctorKey]) -> dict[DoctorKey, BookableDoctor]:
    """The active ones of these doctors; neither they nor their calendars change until the transaction ends."""
    rows = await connection.fetch(LOCK_DOCTORS, *columns(doctors, 2))
    active = [row for row in rows if row["status"] == Active.ACTIVE]
    return {DoctorKey(row["clinic_id"], row["id"]): BookableDoctor(row["scheduled"], row["location_zones"]) for row in active}


async def make_days(connection: Connection, zones: Mapping[DayKey, str]) -> set[DayKey]:
    """Makes the days that are missing, and answers which these were. They have no slots yet."""
    rows = await connection.fetch(MAKE_DAYS, *columns([(*day, zone) for day, zone in zones.items()], 4))
    return {day_key(row) for row in rows}


async def lock_days(connection: Connection, days: Collection[DayKey]) -> dict[DayKey, Day]:
    """The records of the days that have one, locked until the transaction ends."""
    rows = await connection.fetch(LOCK_DAYS, *columns(days, 3))
    return {day_key(row): Day(Mode(row["mode"]), row["available"], row["time_zone"]) for row in rows}
