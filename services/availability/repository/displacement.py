"""What a displacement reads: appointments that have lost their place, and open places in order of time. Plain SQL.

Called by `service/displacement.py` twice: without locks to choose, and again behind the locks of all that was chosen. It
writes by the hot statements of `slots.py`.
"""

from collections.abc import Collection
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import Lost, Place
from shared.infra.postgres import Connection

CLOSED = """EXISTS (
    SELECT FROM exceptions WHERE exceptions.clinic_id = days.clinic_id AND exceptions.doctor_id = days.doctor_id
      AND exceptions.kind = 'closed' AND days.date BETWEEN exceptions.from_date AND exceptions.to_date)"""
PLACE = """slots.clinic_id, slots.doctor_id, slots.date, slots.number, slots.id AS slot_id, slots.location_id,
       slots.starts_at, slots.ends_at, coalesce(slots.time_zone, days.time_zone) AS time_zone,
       coalesce(slots.starts_at, (slots.date + 1)::timestamp AT TIME ZONE days.time_zone) AS at"""
LOST = f"""
SELECT slots.appointment_id, {PLACE}
FROM slots JOIN days USING (clinic_id, doctor_id, date)
WHERE clinic_id = $1 AND doctor_id = $2 AND slots.state = 'taken' AND date BETWEEN $3 AND $4
  AND (slots.starts_at > $5 OR slots.starts_at IS NULL AND date >= ($5::timestamptz AT TIME ZONE days.time_zone)::date)
  AND (NOT slots.published OR NOT days.available OR {CLOSED})
ORDER BY at, slots.number
"""
# Such a one is being moved at this moment: booking has not decided yet which of the places it keeps.
TWO_PLACES = """
SELECT appointment_id FROM slots WHERE clinic_id = $1 AND state = 'taken' AND appointment_id = ANY($2::uuid[])
GROUP BY appointment_id HAVING count(*) > 1
"""
OPEN = f"""
SELECT {PLACE}
FROM slots JOIN days USING (clinic_id, doctor_id, date)
WHERE clinic_id = $1 AND doctor_id = ANY($2::uuid[]) AND date >= $3 AND slots.state = 'free' AND slots.published
  AND (slots.starts_at > $4 OR slots.starts_at IS NULL AND date >= ($5::timestamptz AT TIME ZONE days.time_zone)::date)
  AND date <= ($5::timestamptz AT TIME ZONE days.time_zone)::date + $6::int
  AND days.available AND NOT {CLOSED}
ORDER BY at, slots.doctor_id, slots.number LIMIT $7
"""
UNMADE = """
SELECT doctors.clinic_id, doctors.id AS doctor_id, wanted.date
FROM doctors CROSS JOIN (SELECT $3::date + number AS date FROM generate_series(0, $4::date - $3::date) AS number) AS wanted
WHERE doctors.clinic_id = $1 AND doctors.id = ANY($2::uuid[]) AND doctors.status = 'active' AND NOT doctors.scheduled
  AND NOT EXISTS (SELECT FROM days WHERE days.clinic_id = $1 AND days.doctor_id = doctors.id AND days.date = wanted.date)
  AND NOT EXISTS (SELECT FROM exceptions WHERE exceptions.clinic_id = $1 AND exceptions.doctor_id = doctors.id
                                           AND wanted.date BETWEEN exceptions.from_date AND exceptions.to_date)
ORDER BY wanted.date, doctors.id LIMIT $5
"""
COLLEAGUES = "SELECT id FROM doctors WHERE clinic_id = $1 AND category_id = $2 AND id <> $3 AND status = 'active'"


class Search(NamedTuple):
    """Which places are asked for: of these doctors, from this date on, so many of the first ones, or all of them."""

    clinic_id: UUID
    doctors: Collection[UUID]
    first: date
    open_from: datetime
    """What has a start must start later."""
    now: datetime
    horizon_days: int
    limit: int | None


async def lost(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, span: tuple[date, date], now: datetime
) -> tuple[list[Lost], int]:
    """The appointments to come of these dates, both inclusive, that have lost their place, in order of it; and how many more have
    a new one already, which nobody has confirmed yet."""
    rows = await connection.fetch(LOST, clinic_id, doctor_id, *span, now)
    twice = await connection.fetch(TWO_PLACES, clinic_id, [row["appointment_id"] for row in rows])
    moving = {row["appointment_id"] for row in twice}
    found = [Lost(row["appointment_id"], _place(row)) for row in rows if row["appointment_id"] not in moving]
    return found, len(moving)


async def open_places(connection: Connection, search: Search) -> list[Place]:
    """The open places of days that have a record, in order of time."""
    return [_place(row) for row in await connection.fetch(OPEN, *search._replace(doctors=list(search.doctors)))]


async def unmade_days(connection: Connection, search: Search, last: date) -> list[DayKey]:
    """The days to come, up to the last, that their first booking would make, in order of date."""
    rows = await connection.fetch(UNMADE, search.clinic_id, list(search.doctors), search.first, last, search.limit)
    return [DayKey(row["clinic_id"], row["doctor_id"], row["date"]) for row in rows]


async def colleagues(connection: Connection, clinic_id: UUID, doctor_id: UUID, category_id: UUID) -> frozenset[UUID]:
    """The other active doctors of a category."""
    return frozenset(row["id"] for row in await connection.fetch(COLLEAGUES, clinic_id, category_id, doctor_id))


def _place(row: Any) -> Place:
    day = DayKey(row["clinic_id"], row["doctor_id"], row["date"])
    return Place(day=day, **{name: row[name] for name in Place._fields if name != "day"})
