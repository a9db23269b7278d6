"""The search for open slots: one statement on one index. Called by `service/open_slots.py`."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from shared.infra.postgres import Connection

# By date, as a slot belongs to that of its local start; the instants say only where in the index these dates may lie.
FIND = """
SELECT slots.id, slots.doctor_id, slots.location_id, slots.number, slots.starts_at, slots.ends_at, slots.date, slots.time_zone
FROM slots
JOIN days USING (clinic_id, doctor_id, date)
JOIN doctors ON doctors.clinic_id = slots.clinic_id AND doctors.id = slots.doctor_id
WHERE slots.clinic_id = $1 AND slots.doctor_id = $2 AND slots.state = 'free' AND slots.published
  AND slots.starts_at > greatest($5, ($3::date - 1)::timestamp AT TIME ZONE 'UTC')
  AND slots.starts_at < ($4::date + 2)::timestamp AT TIME ZONE 'UTC'
  AND slots.date BETWEEN $3 AND $4 AND days.available AND doctors.status = 'active'
  AND (slots.starts_at, slots.id) > ($6, $7)
ORDER BY slots.starts_at, slots.id LIMIT $8
"""


class Asked(NamedTuple):
    """What is asked for, in the order of the statement's parameters; both dates inclusive."""

    clinic_id: UUID
    doctor_id: UUID
    first: date
    last: date
    open_from: datetime
    after_start: datetime
    after_id: UUID
    limit: int


async def find(connection: Connection, asked: Asked) -> list[asyncpg.Record]:
    """The slots that can be booked, in order of start."""
    return await connection.fetch(FIND, *asked)
