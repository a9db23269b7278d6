"""The slots of a doctor who is deleted, in plain SQL. Called by `doctors/remove.py` under the locks of doctor and days."""

from datetime import datetime
from uuid import UUID

from services.availability.domain.dates import oldest_date
from services.availability.domain.days import DayKey
from services.availability.domain.slots import Reservation
from shared.infra.postgres import Connection

TO_COME = """
FROM slots JOIN days USING (clinic_id, doctor_id, date)
WHERE clinic_id = $1 AND doctor_id = $2 AND slots.state = 'taken' AND date >= $3
  AND date >= ($4::timestamptz AT TIME ZONE coalesce(slots.time_zone, days.time_zone))::date
"""
TAKEN = f"""
SELECT slots.date, slots.id AS slot_id, slots.reservation_id, slots.appointment_id {TO_COME} ORDER BY date, slots.number
"""
COUNT = f"SELECT count(*) {TO_COME}"
# One that is being moved has two slots.
APPOINTMENTS = f"""
SELECT slots.appointment_id, count(*) OVER () AS number {TO_COME}
GROUP BY slots.appointment_id ORDER BY min(date), min(slots.number) LIMIT $5
"""
REMOVE_FREE = """
DELETE FROM slots USING days
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.date >= $3 AND slots.state = 'free'
  AND days.clinic_id = $1 AND days.doctor_id = $2 AND days.date = slots.date
  AND (slots.starts_at > $4 OR slots.starts_at IS NULL AND slots.date >= ($4::timestamptz AT TIME ZONE days.time_zone)::date)
"""
UNPUBLISH_TAKEN = """
UPDATE slots SET published = false WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken'
"""


async def reservations_to_come(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime
) -> list[tuple[DayKey, Reservation]]:
    """What is taken of today or later, today by the zone of each slot, in order of date and number."""
    rows = await connection.fetch(TAKEN, clinic_id, doctor_id, oldest_date(now), now)
    return [
        (DayKey(clinic_id, doctor_id, row["date"]), Reservation(row["slot_id"], row["reservation_id"], row["appointment_id"]))
        for row in rows
    ]


async def count_to_come(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> int:
    """How many slots of today or later are taken. Locks nothing: it is asked again and again while they are freed."""
    number: int = await connection.fetchval(COUNT, clinic_id, doctor_id, oldest_date(now), now)
    return number


async def first_appointments(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, limit: int
) -> tuple[list[UUID], int]:
    """The first appointments of today or later, and how many there are of them."""
    rows = await connection.fetch(APPOINTMENTS, clinic_id, doctor_id, oldest_date(now), now, limit)
    return [row["appointment_id"] for row in rows], rows[0]["number"] if rows else 0


async def remove_slots(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> None:
    """Removes free slots to come; what is taken loses its publication, so that it is removed when it is freed."""
    doctor = (clinic_id, doctor_id)
    await connection.execute(REMOVE_FREE, *doctor, oldest_date(now), now)
    await connection.execute(UNPUBLISH_TAKEN, *doctor, oldest_date(now))
