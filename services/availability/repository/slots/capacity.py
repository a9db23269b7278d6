"""The slots of daily days, whose capacity is how many there are. Called under the locks of the days."""

from collections.abc import Mapping
from datetime import datetime

from services.availability.domain.days import DayKey, DaySlots
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

GROW = """
INSERT INTO slots (clinic_id, doctor_id, date, number)
SELECT asked.clinic_id, asked.doctor_id, asked.date, lacking.number
FROM unnest($1::uuid[], $2::uuid[], $3::date[], $4::int[]) AS asked(clinic_id, doctor_id, date, capacity)
CROSS JOIN LATERAL (
  SELECT wanted.number FROM generate_series(1, asked.capacity) AS wanted(number)
  WHERE NOT EXISTS (SELECT FROM slots WHERE slots.clinic_id = asked.clinic_id AND slots.doctor_id = asked.doctor_id
                                        AND slots.date = asked.date AND slots.number = wanted.number)
  ORDER BY wanted.number
  LIMIT greatest(0, asked.capacity - (SELECT count(*) FROM slots WHERE slots.clinic_id = asked.clinic_id
                                      AND slots.doctor_id = asked.doctor_id AND slots.date = asked.date))
) AS lacking
"""
SHRINK = """
DELETE FROM slots WHERE clinic_id = $1 AND id IN (
  SELECT id FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date = $3 AND state = 'free' ORDER BY number DESC LIMIT $4)
"""
COUNT = """
SELECT count(*) AS capacity, count(*) FILTER (WHERE state = 'taken') AS taken, count(*) FILTER (WHERE published) AS published,
       count(*) FILTER (WHERE state = 'free' AND published AND (starts_at IS NULL OR starts_at > $4)) AS bookable
FROM slots WHERE clinic_id = $1 AND doctor_id = $2 AND date = $3
"""


async def grow(connection: Connection, capacities: Mapping[DayKey, int]) -> None:
    """Makes the lowest missing numbers of locked daily days, up to these capacities."""
    await connection.execute(GROW, *columns([(*day, capacity) for day, capacity in capacities.items()], 4))


async def shrink(connection: Connection, day: DayKey, by: int) -> None:
    """Removes the highest free numbers of a locked day."""
    await connection.execute(SHRINK, *day, by)


async def count(connection: Connection, day: DayKey, bookable_after: datetime) -> DaySlots:
    """The slots of a day; a time can be booked that is later than `bookable_after`."""
    row = await connection.fetchrow(COUNT, *day, bookable_after)
    assert row is not None
    return DaySlots(**row)
