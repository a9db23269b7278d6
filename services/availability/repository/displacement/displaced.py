"""Which appointments a calendar displaces: they have a slot that no rule asks for, or of a closed date or day. Plain SQL.

Called by `service/`: behind the change of a calendar, and by a displacement without locks and again behind them.
"""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.availability.domain.dates import oldest_date
from services.availability.domain.displacement import DisplacedAppointment, place_of
from services.availability.repository.rows import day_key, slot_of
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

# An appointment that is being moved has two slots for a moment: it is named once.
WITHOUT_RULE = """
SELECT appointment_id FROM slots
WHERE clinic_id = $1 AND doctor_id = $2 AND date >= $3 AND state = 'taken' AND NOT published AND starts_at > $4
GROUP BY appointment_id ORDER BY min(starts_at)
"""
ON_DATES = """
SELECT asked.span, slots.appointment_id
FROM unnest($4::int[], $5::date[], $6::date[]) AS asked(span, first, last)
JOIN slots ON slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.state = 'taken'
          AND slots.date BETWEEN asked.first AND asked.last
JOIN days ON days.clinic_id = $1 AND days.doctor_id = $2 AND days.date = slots.date
WHERE slots.starts_at > $3 OR slots.starts_at IS NULL AND slots.date >= ($3::timestamptz AT TIME ZONE days.time_zone)::date
GROUP BY asked.span, slots.appointment_id ORDER BY asked.span, min(slots.date), min(slots.number)
"""
# What is looked up by a key has a sub-select of its own (`OFFSET 0`): as long as a young table has no statistics, the planner
# might join it by going through all of the clinic for each row (5 s for 60,000 slots).
CLOSED = """SELECT FROM exceptions
    WHERE exceptions.clinic_id = days.clinic_id AND exceptions.doctor_id = days.doctor_id AND exceptions.kind = 'closed'
      AND days.date BETWEEN exceptions.from_date AND exceptions.to_date OFFSET 0"""
DISPLACED = f"""
SELECT slots.clinic_id, slots.doctor_id, slots.date, slots.appointment_id, slots.reservation_id, slots.id, slots.number,
       slots.location_id, slots.starts_at, slots.ends_at, coalesce(slots.time_zone, day.time_zone) AS time_zone
FROM slots CROSS JOIN LATERAL (
  SELECT time_zone, available AND NOT EXISTS ({CLOSED}) AS open FROM days
  WHERE days.clinic_id = slots.clinic_id AND days.doctor_id = slots.doctor_id AND days.date = slots.date OFFSET 0) AS day
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.state = 'taken' AND slots.date BETWEEN $3 AND $4
  AND (slots.starts_at > $5 OR slots.starts_at IS NULL AND slots.date >= ($5::timestamptz AT TIME ZONE day.time_zone)::date)
  AND NOT (slots.published AND day.open)
"""
# With two slots it is being moved at this moment: booking has not decided yet which of them it keeps.
BEING_MOVED = """
SELECT appointment_id FROM slots WHERE clinic_id = $1 AND state = 'taken' AND appointment_id = ANY($2::uuid[])
GROUP BY appointment_id HAVING count(*) > 1
"""
WITH_SLOT = """
SELECT DISTINCT appointment_id FROM slots WHERE clinic_id = $1 AND state = 'taken' AND appointment_id = ANY($2::uuid[])
"""


async def without_rule(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> list[UUID]:
    """The appointments to come whose times no rule of the calendar asks for, in order of start."""
    rows = await connection.fetch(WITHOUT_RULE, clinic_id, doctor_id, oldest_date(now), now)
    return [row["appointment_id"] for row in rows]


async def on_dates(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime, spans: Sequence[tuple[date, date]]
) -> list[list[UUID]]:
    """The appointments to come within each of these spans of dates, both inclusive, whether or not these are closed."""
    found: list[list[UUID]] = [[] for _ in spans]
    numbered = [(index, *span) for index, span in enumerate(spans)]
    for row in await connection.fetch(ON_DATES, clinic_id, doctor_id, now, *columns(numbered, 3)):
        found[row["span"]].append(row["appointment_id"])
    return found


async def displaced(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, span: tuple[date, date], now: datetime
) -> tuple[list[DisplacedAppointment], int]:
    """The displaced appointments to come of these dates, both inclusive, in order of their places; and how many more have a new
    slot already that nobody has confirmed yet."""
    rows = await connection.fetch(DISPLACED, clinic_id, doctor_id, *span, now)
    moving = {
        row["appointment_id"] for row in await connection.fetch(BEING_MOVED, clinic_id, [row["appointment_id"] for row in rows])
    }
    found = [_displaced(row) for row in rows if row["appointment_id"] not in moving]
    return sorted(found, key=lambda one: one.place), len(moving)


async def appointments_with_slot(connection: Connection, clinic_id: UUID, appointments: Collection[UUID]) -> list[UUID]:
    """Those of these appointments that have a slot: one that booking does not know is on its way there."""
    return [row["appointment_id"] for row in await connection.fetch(WITH_SLOT, clinic_id, list(appointments))]


def _displaced(row: Any) -> DisplacedAppointment:
    place = place_of(day_key(row), slot_of(row), row["time_zone"])
    return DisplacedAppointment(row["appointment_id"], row["reservation_id"], place)
