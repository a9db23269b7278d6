"""The search for open slots: one statement that walks one index in the order of its answer. Called by `slots/search.py`."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

import asyncpg

from shared.infra.arrays import columns
from shared.infra.postgres import Connection

# By date, as a slot belongs to that of its local start; the instants say only where in the index these dates may lie. What is
# judged is what a booking of the slot would be refused for. `OFFSET 0` keeps the day out of the planner's joins: a join it might
# begin with, and then sort all slots of the clinic (3.7 s for 96,000 of them in a table without statistics, in place of 1 ms).
FIND = """
SELECT id, doctor_id, location_id, number, starts_at, ends_at, date, time_zone
FROM slots
WHERE clinic_id = $1 AND {doctors} AND state = 'free' AND published AND starts_at IS NOT NULL
  AND starts_at > greatest($5, ({first} - 1)::timestamp AT TIME ZONE 'UTC')
  AND starts_at < ($4::date + 2)::timestamp AT TIME ZONE 'UTC'
  AND (starts_at, doctor_id, id) > ({after}, $9, $10)
  AND ($11::uuid IS NULL OR location_id = $11)
  AND EXISTS (SELECT FROM days WHERE days.clinic_id = slots.clinic_id AND days.doctor_id = slots.doctor_id
                                 AND days.date = slots.date AND days.date BETWEEN {first} AND $4 AND days.available
                                 AND days.date - ($6::timestamptz AT TIME ZONE days.time_zone)::date BETWEEN 0 AND $7 OFFSET 0)
ORDER BY starts_at, doctor_id, id LIMIT {limit}
"""
_ONE, _SEVERAL = "doctor_id = ($2::uuid[])[1]", "doctor_id = ANY($2::uuid[])"
_ALONE = {"first": "$3::date", "after": "$8", "limit": "$12"}
OF_ONE = FIND.format(doctors=_ONE, **_ALONE)
"""Goes by the index of a doctor's open slots."""
OF_SEVERAL = FIND.format(doctors=_SEVERAL, **_ALONE)
"""Goes by the index of a clinic's open slots, and looks at none behind the last that is answered."""
FROM_STARTS = """
SELECT DISTINCT found.* FROM unnest($3::date[], $8::timestamptz[], $12::int[]) AS asked(first, after, needed)
CROSS JOIN LATERAL ({find}) AS found
"""
_EACH = {"first": "asked.first", "after": "asked.after", "limit": "asked.needed"}
OF_ONE_FROM_STARTS = FROM_STARTS.format(find=FIND.format(doctors=_ONE, **_EACH))
OF_SEVERAL_FROM_STARTS = FROM_STARTS.format(find=FIND.format(doctors=_SEVERAL, **_EACH))


FIRST_ID = UUID(int=0)
"""Before all ids."""


class SearchPosition(NamedTuple):
    """Where a slot stands in the order of the search."""

    starts_at: datetime
    doctor_id: UUID = FIRST_ID
    id: UUID = FIRST_ID


class SlotQuery(NamedTuple):
    """Which open slots are asked for: dates and horizon inclusive, instants exclusive."""

    clinic_id: UUID
    doctors: Sequence[UUID]
    first: date
    last: date
    bookable_after: datetime
    now: datetime
    horizon_days: int
    after: SearchPosition
    location_id: UUID | None
    limit: int


async def find(connection: Connection, query: SlotQuery) -> list[asyncpg.Record]:
    """The slots of these doctors that can be booked, in order of start."""
    return await connection.fetch(*statement(query))


async def find_from_starts(
    connection: Connection, query: SlotQuery, starts: Collection[tuple[date, datetime, int]]
) -> list[asyncpg.Record]:
    """From each date on the first slots that start later than an instant, so many, without an order and each once.

    The query's own first date, position and limit are left aside.
    """
    clinic, doctors, _, *bounds, after, location, _ = query
    dates, instants, limits = columns(starts, 3)
    sql = OF_ONE_FROM_STARTS if len(query.doctors) == 1 else OF_SEVERAL_FROM_STARTS
    return await connection.fetch(sql, clinic, doctors, dates, *bounds, instants, *after[1:], location, limits)


def statement(query: SlotQuery) -> tuple[Any, ...]:
    """The search's SQL, and its parameters behind it."""
    clinic, doctors, first, *bounds, after, location, limit = query
    parameters = (clinic, doctors, first, *bounds, *after, location, limit)
    return OF_ONE if len(query.doctors) == 1 else OF_SEVERAL, *parameters
