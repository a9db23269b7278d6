"""What changes of a calendar do to its days and slots, in plain SQL. Called by `service/publication.py` under the doctor's lock.

The timers in `publications` are written last, behind the locks of doctor and days: everybody who takes several takes them so.
"""

from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg

from shared.infra.postgres import Connection

OLDEST_TODAY = timedelta(days=2)
"""No zone's today, and no slot that has not ended, has a date so long before that of UTC."""

LOCK_DAYS = """
SELECT date, mode, available, time_zone FROM days
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 ORDER BY date FOR UPDATE
"""
UPCOMING = """
SELECT slots.date, slots.id AS slot_id, slots.reservation_id, slots.appointment_id
FROM slots JOIN days USING (clinic_id, doctor_id, date)
WHERE clinic_id = $1 AND doctor_id = $2 AND slots.state = 'taken' AND date >= $3
  AND date >= ($4::timestamptz AT TIME ZONE coalesce(slots.time_zone, days.time_zone))::date
ORDER BY date, slots.number
"""
WITHDRAW_FREE = """
DELETE FROM slots USING days
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.date >= $3 AND slots.state = 'free'
  AND days.clinic_id = $1 AND days.doctor_id = $2 AND days.date = slots.date
  AND (slots.starts_at > $4 OR slots.starts_at IS NULL AND slots.date >= ($4::timestamptz AT TIME ZONE days.time_zone)::date)
"""
WITHDRAW_TAKEN = """
UPDATE slots SET published = false WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken'
"""
END_TIMER = "DELETE FROM publications WHERE clinic_id = $1 AND doctor_id = $2"


def oldest_date(now: datetime) -> date:
    """From where on days may hold something that is still to come."""
    return now.date() - OLDEST_TODAY


async def lock_days(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> list[asyncpg.Record]:
    """The days that may hold something to come, locked in order of date."""
    return await connection.fetch(LOCK_DAYS, clinic_id, doctor_id, oldest_date(now))


async def upcoming(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> list[dict[str, Any]]:
    """What is taken of locked days of today or later, today by the zone of each."""
    return [dict(row) for row in await connection.fetch(UPCOMING, clinic_id, doctor_id, oldest_date(now), now)]


async def withdraw(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> None:
    """Removes what is free and to come of locked days, leaves what is taken without publication, and ends the timer."""
    doctor = (clinic_id, doctor_id)
    await connection.execute(WITHDRAW_FREE, *doctor, oldest_date(now), now)
    await connection.execute(WITHDRAW_TAKEN, *doctor, oldest_date(now))
    await connection.execute(END_TIMER, *doctor)
