"""Finds one slot of an active doctor, whatever its state. In plain SQL, called by `slots/resolve.py`."""

from datetime import datetime
from uuid import UUID

import asyncpg

from shared.infra.postgres import Connection

SLOT = """
SELECT slots.id AS slot_id, slots.doctor_id, slots.date
FROM slots JOIN doctors ON doctors.clinic_id = slots.clinic_id AND doctors.id = slots.doctor_id AND doctors.status = 'active'
WHERE slots.clinic_id = $1
"""
BY_ID = f"{SLOT} AND slots.id = $2"
# A doctor has no two slots at one time. A slot belongs to the date of its local start, so that of UTC is a day off at most: by
# these dates it goes by the index of a doctor's days.
BY_START = f"""{SLOT} AND slots.doctor_id = $2 AND slots.starts_at = $3 AND ($4::uuid IS NULL OR slots.location_id = $4)
AND slots.date BETWEEN ($3::timestamptz AT TIME ZONE 'UTC')::date - 1 AND ($3::timestamptz AT TIME ZONE 'UTC')::date + 1
"""


async def by_id(connection: Connection, clinic_id: UUID, slot_id: UUID) -> asyncpg.Record | None:
    """The slot of this id."""
    return await connection.fetchrow(BY_ID, clinic_id, slot_id)


async def by_start(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, starts_at: datetime, location_id: UUID | None
) -> asyncpg.Record | None:
    """The doctor's slot that starts then, at this location if one is named."""
    return await connection.fetchrow(BY_START, clinic_id, doctor_id, starts_at, location_id)
