"""What a displacement reads beside the open slots: appointments that have lost their place, and days with numbers. Plain SQL.

Called by `service/` without locks to choose, and again behind the locks of all that was chosen. What is looked up by a key has a
sub-select of its own (`OFFSET 0`): as long as a young table has no statistics, the planner might join it by going through all of
the clinic for each row (5 s for 60,000 slots).
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import Lost, place_of
from shared.infra.postgres import Connection

CLOSED = """SELECT FROM exceptions
    WHERE exceptions.clinic_id = days.clinic_id AND exceptions.doctor_id = days.doctor_id AND exceptions.kind = 'closed'
      AND days.date BETWEEN exceptions.from_date AND exceptions.to_date OFFSET 0"""
LOST = f"""
SELECT slots.clinic_id, slots.doctor_id, slots.date, slots.appointment_id, slots.reservation_id, slots.id, slots.number,
       slots.location_id, slots.starts_at, slots.ends_at, coalesce(slots.time_zone, day.time_zone) AS time_zone
FROM slots CROSS JOIN LATERAL (
  SELECT time_zone, available AND NOT EXISTS ({CLOSED}) AS open FROM days
  WHERE days.clinic_id = slots.clinic_id AND days.doctor_id = slots.doctor_id AND days.date = slots.date OFFSET 0) AS day
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.state = 'taken' AND slots.date BETWEEN $3 AND $4
  AND (slots.starts_at > $5 OR slots.starts_at IS NULL AND slots.date >= ($5::timestamptz AT TIME ZONE day.time_zone)::date)
  AND NOT (slots.published AND day.open)
"""
# Such a one is being moved at this moment: booking has not decided yet which of the places it keeps.
TWO_PLACES = """
SELECT appointment_id FROM slots WHERE clinic_id = $1 AND state = 'taken' AND appointment_id = ANY($2::uuid[])
GROUP BY appointment_id HAVING count(*) > 1
"""
DAILY = f"""
SELECT clinic_id, doctor_id, date, time_zone FROM days
WHERE clinic_id = $1 AND doctor_id = ANY($2::uuid[]) AND date >= $3 AND mode = 'daily' AND available
  AND date - ($4::timestamptz AT TIME ZONE time_zone)::date BETWEEN 0 AND $5
  AND NOT EXISTS ({CLOSED})
  AND EXISTS (SELECT FROM slots WHERE slots.clinic_id = days.clinic_id AND slots.doctor_id = days.doctor_id
                                  AND slots.date = days.date AND slots.state = 'free' AND slots.published OFFSET 0)
ORDER BY date, doctor_id LIMIT $6
"""
UNMADE = """
SELECT doctors.clinic_id, doctors.id AS doctor_id, wanted.date
FROM doctors CROSS JOIN (SELECT $3::date + number AS date FROM generate_series(0, $4::date - $3::date) AS number) AS wanted
WHERE doctors.clinic_id = $1 AND doctors.id = ANY($2::uuid[]) AND doctors.status = 'active' AND NOT doctors.scheduled
  AND NOT EXISTS (SELECT FROM days WHERE days.clinic_id = doctors.clinic_id AND days.doctor_id = doctors.id
                                     AND days.date = wanted.date OFFSET 0)
  AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = doctors.clinic_id AND exceptions.doctor_id = doctors.id
                                           AND wanted.date BETWEEN exceptions.from_date AND exceptions.to_date OFFSET 0)
ORDER BY wanted.date, doctors.id LIMIT $5
"""


async def lost(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, span: tuple[date, date], now: datetime
) -> tuple[list[Lost], int]:
    """The appointments to come of these dates, both inclusive, that have lost their place, in order of it; and how many more have
    a new one already that nobody has confirmed yet."""
    rows = await connection.fetch(LOST, clinic_id, doctor_id, *span, now)
    twice = await connection.fetch(TWO_PLACES, clinic_id, [row["appointment_id"] for row in rows])
    moving = {row["appointment_id"] for row in twice}
    found = [_lost(row) for row in rows if row["appointment_id"] not in moving]
    return sorted(found, key=lambda one: one.place), len(moving)


async def daily_days(
    connection: Connection, clinic_id: UUID, doctors: Collection[UUID], first: date, now: datetime, horizon_days: int, limit: int
) -> dict[DayKey, str]:
    """The first days with free numbers, and their zones."""
    rows = await connection.fetch(DAILY, clinic_id, list(doctors), first, now, horizon_days, limit)
    return {_day(row): row["time_zone"] for row in rows}


async def unmade_days(
    connection: Connection, clinic_id: UUID, doctors: Collection[UUID], span: tuple[date, date], limit: int
) -> list[DayKey]:
    """The first days within these dates that their first booking would make."""
    return [_day(row) for row in await connection.fetch(UNMADE, clinic_id, list(doctors), *span, limit)]


def _lost(row: Any) -> Lost:
    times = {name: row[name] for name in ("location_id", "starts_at", "ends_at")}
    place = place_of(_day(row), row["number"], row["id"], row["time_zone"], **times)
    return Lost(row["appointment_id"], row["reservation_id"], place)


def _day(row: Any) -> DayKey:
    return DayKey(row["clinic_id"], row["doctor_id"], row["date"])
