"""The slots of a doctor who is deleted, in plain SQL. Called by `doctors/remove.py` and `doctors/revoke.py`."""

from datetime import date, datetime
from typing import NamedTuple
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
# Locked, so that what was freed meanwhile is not among them, and none is freed before it is revoked.
TAKEN = f"""
SELECT slots.date, slots.number, slots.id AS slot_id, slots.reservation_id, slots.appointment_id {TO_COME}
  AND (date, slots.number) > ($5, $6)
ORDER BY date, slots.number LIMIT $7 FOR UPDATE OF slots
"""
COUNT = f"SELECT count(*) {TO_COME}"
# One that is being moved has two slots.
APPOINTMENTS = f"""
SELECT slots.appointment_id, count(*) OVER () AS number {TO_COME}
GROUP BY slots.appointment_id ORDER BY min(date), min(slots.number) LIMIT $5
"""
# By their ids: a planner without statistics would join all of the clinic.
UNPUBLISH_TAKEN = """
UPDATE slots SET published = false WHERE clinic_id = $1 AND id = ANY(ARRAY(
  SELECT id FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken' AND published LIMIT $4))
"""
REMOVE_FREE = """
DELETE FROM slots WHERE clinic_id = $1 AND id = ANY(ARRAY(
  SELECT slots.id FROM slots JOIN days USING (clinic_id, doctor_id, date)
  WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND slots.state = 'free'
    AND (slots.starts_at > $4 OR slots.starts_at IS NULL AND date >= ($4::timestamptz AT TIME ZONE days.time_zone)::date)
  LIMIT $5))
"""


class TakenSlot(NamedTuple):
    """A taken slot of a doctor: its day, its number, and what has taken it."""

    day: DayKey
    number: int
    reservation: Reservation


async def lock_to_come(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, behind: tuple[date, int], limit: int
) -> list[TakenSlot]:
    """The first slots behind a date and number that are taken, of today or later by the zone of each, in this order."""
    return [
        TakenSlot(
            DayKey(clinic_id, doctor_id, row["date"]),
            row["number"],
            Reservation(row["slot_id"], row["reservation_id"], row["appointment_id"]),
        )
        for row in await connection.fetch(TAKEN, clinic_id, doctor_id, oldest_date(now), now, *behind, limit)
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


async def remove_slots(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, limit: int) -> bool:
    """Takes the publication from what is taken, so that it is removed when it is freed, and then removes free slots to come: of
    each so many at most. Whether none is left; the doctor's days are locked."""
    of = (clinic_id, doctor_id, oldest_date(now))
    if await connection.execute(UNPUBLISH_TAKEN, *of, limit) == f"UPDATE {limit}":
        return False
    return await connection.execute(REMOVE_FREE, *of, now, limit) != f"DELETE {limit}"
