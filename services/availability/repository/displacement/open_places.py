"""Days with numbers that displaced appointments may get: those that are there, and those that their first booking makes.

Plain SQL. Called by `displacement/open_places.py` without locks to choose, and again behind the locks of all that was chosen.
Open times are found by the search for open slots.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.repository.displacement.displaced import CLOSED
from services.availability.repository.doctors.location_zones import LOCATION_ZONES
from services.availability.repository.rows import day_key
from shared.infra.postgres import Connection

# Each day is looked at once. What is needed from each date on are days in a row: they are found by their ranks.
NEEDED = """
, dates AS (SELECT date, min(rank) AS rank FROM open GROUP BY date)
, needed AS (
  SELECT range_agg(int8range(found.rank, found.rank + asked.needed)) AS ranks
  FROM unnest($3::date[], $4::int[]) AS asked(first, needed)
  CROSS JOIN LATERAL (SELECT min(rank) AS rank FROM dates WHERE date >= asked.first) AS found
  WHERE found.rank IS NOT NULL
)
"""
# No more of a day are counted than are needed of all days.
DAILY = f"""
WITH open AS MATERIALIZED (
  SELECT clinic_id, doctor_id, date, time_zone, row_number() OVER (ORDER BY date, doctor_id) AS rank FROM days
  WHERE clinic_id = $1 AND doctor_id = ANY($2::uuid[]) AND mode = 'daily' AND available
    AND date >= (SELECT min(first) FROM unnest($3::date[]) AS first)
    AND date - ($5::timestamptz AT TIME ZONE time_zone)::date BETWEEN 0 AND $6
    AND NOT EXISTS ({CLOSED})
    AND EXISTS (SELECT FROM slots WHERE slots.clinic_id = days.clinic_id AND slots.doctor_id = days.doctor_id
                                    AND slots.date = days.date AND slots.state = 'free' AND slots.published OFFSET 0)
) {NEEDED}
SELECT clinic_id, doctor_id, date, time_zone, (
  SELECT count(*) FROM (SELECT FROM slots WHERE slots.clinic_id = open.clinic_id AND slots.doctor_id = open.doctor_id
                          AND slots.date = open.date AND slots.state = 'free' AND slots.published LIMIT $7) AS first) AS number
FROM open, needed WHERE rank <@ ranks
"""
MISSING = f"""
WITH open AS MATERIALIZED (
  SELECT doctors.clinic_id, doctors.id AS doctor_id, wanted.date, {LOCATION_ZONES} AS location_zones,
         row_number() OVER (ORDER BY wanted.date, doctors.id) AS rank
  FROM doctors CROSS JOIN (
    SELECT first + number AS date FROM (SELECT min(first) AS first FROM unnest($3::date[]) AS first) AS asked
    CROSS JOIN LATERAL generate_series(0, $5::date - first) AS number) AS wanted
  WHERE doctors.clinic_id = $1 AND doctors.id = ANY($2::uuid[]) AND doctors.status = 'active' AND NOT doctors.scheduled
    AND NOT EXISTS (SELECT FROM days WHERE days.clinic_id = doctors.clinic_id AND days.doctor_id = doctors.id
                                       AND days.date = wanted.date OFFSET 0)
    AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = doctors.clinic_id AND exceptions.doctor_id = doctors.id
                                             AND wanted.date BETWEEN exceptions.from_date AND exceptions.to_date OFFSET 0)
) {NEEDED}
SELECT clinic_id, doctor_id, date, location_zones FROM open, needed WHERE rank <@ ranks
"""


class DailyDay(NamedTuple):
    """The zone of a day with numbers, and how many of these are free, as far as they were counted."""

    time_zone: str
    number: int


async def daily_days(
    connection: Connection,
    clinic_id: UUID,
    doctors: Collection[UUID],
    needed: Mapping[date, int],
    now: datetime,
    horizon_days: int,
    count: int,
) -> dict[DayKey, DailyDay]:
    """The first days with free numbers from each of these dates on, as many as are needed; `count` numbers of a day suffice."""
    asked = (list(doctors), list(needed), list(needed.values()))
    rows = await connection.fetch(DAILY, clinic_id, *asked, now, horizon_days, count)
    return {day_key(row): DailyDay(row["time_zone"], row["number"]) for row in rows}


async def missing_days(
    connection: Connection, clinic_id: UUID, doctors: Collection[UUID], needed: Mapping[date, int], last: date
) -> dict[DayKey, Sequence[str | None]]:
    """The first days from each of these dates on that a first booking would make, as many as are needed, and the zones of their
    doctors' locations."""
    rows = await connection.fetch(MISSING, clinic_id, list(doctors), list(needed), list(needed.values()), last)
    return {day_key(row): row["location_zones"] for row in rows}
