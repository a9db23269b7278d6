"""Days with numbers that displaced appointments may get: those that are there, and those that their first booking makes.

Plain SQL. Called by `displacement/open_places.py` without locks to choose, and again behind the locks of all that was chosen.
Open times are found by the search for open slots.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.repository.displacement.displaced import CLOSED
from services.availability.repository.doctors.location_zones import LOCATION_ZONES
from services.availability.repository.rows import day_key
from shared.infra.postgres import Connection

DAILY = f"""
SELECT DISTINCT found.* FROM unnest($3::date[]) AS asked(first) CROSS JOIN LATERAL (
  SELECT clinic_id, doctor_id, date, time_zone FROM days
  WHERE clinic_id = $1 AND doctor_id = ANY($2::uuid[]) AND date >= asked.first AND mode = 'daily' AND available
    AND date - ($4::timestamptz AT TIME ZONE time_zone)::date BETWEEN 0 AND $5
    AND NOT EXISTS ({CLOSED})
    AND EXISTS (SELECT FROM slots WHERE slots.clinic_id = days.clinic_id AND slots.doctor_id = days.doctor_id
                                    AND slots.date = days.date AND slots.state = 'free' AND slots.published OFFSET 0)
  ORDER BY date, doctor_id LIMIT $6
) AS found
"""
MISSING = f"""
SELECT DISTINCT found.* FROM unnest($3::date[]) AS asked(first) CROSS JOIN LATERAL (
  SELECT doctors.clinic_id, doctors.id AS doctor_id, wanted.date, {LOCATION_ZONES} AS location_zones
  FROM doctors CROSS JOIN (
    SELECT asked.first + number AS date FROM generate_series(0, $4::date - asked.first) AS number) AS wanted
  WHERE doctors.clinic_id = $1 AND doctors.id = ANY($2::uuid[]) AND doctors.status = 'active' AND NOT doctors.scheduled
    AND NOT EXISTS (SELECT FROM days WHERE days.clinic_id = doctors.clinic_id AND days.doctor_id = doctors.id
                                       AND days.date = wanted.date OFFSET 0)
    AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = doctors.clinic_id AND exceptions.doctor_id = doctors.id
                                             AND wanted.date BETWEEN exceptions.from_date AND exceptions.to_date OFFSET 0)
  ORDER BY wanted.date, doctors.id LIMIT $5
) AS found
"""


async def daily_days(
    connection: Connection,
    clinic_id: UUID,
    doctors: Collection[UUID],
    dates: Collection[date],
    now: datetime,
    horizon_days: int,
    limit: int,
) -> dict[DayKey, str]:
    """The first days with free numbers from each of these dates on, and their zones."""
    rows = await connection.fetch(DAILY, clinic_id, list(doctors), list(dates), now, horizon_days, limit)
    return {day_key(row): row["time_zone"] for row in rows}


async def missing_days(
    connection: Connection, clinic_id: UUID, doctors: Collection[UUID], dates: Collection[date], last: date, limit: int
) -> dict[DayKey, Sequence[str | None]]:
    """The first days from each of these dates on that a first booking would make, and the zones of their doctors' locations."""
    rows = await connection.fetch(MISSING, clinic_id, list(doctors), list(dates), last, limit)
    return {day_key(row): row["location_zones"] for row in rows}
