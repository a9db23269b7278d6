"""Weekly schedules and the lock of the doctor's calendar, in plain SQL. Called by `service/` inside its unit of work.

A transaction that writes holds the doctor's lock: bookings hold it shared, so that nobody books into a calendar while it changes,
and what a batch reads behind that lock stays as it is. The column `place` is the index of an entry in its schedule, or of a
location in its list.
"""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import Hours, Weekly
from shared.infra.arrays import columns
from shared.infra.postgres import Connection

VERSION = "SELECT schedule_version FROM doctors WHERE clinic_id = $1 AND id = $2 AND status = 'active'"
LOCK = f"{VERSION} FOR NO KEY UPDATE"
ZONES = "SELECT id, time_zone FROM locations WHERE clinic_id = $1 AND doctor_id = $2 AND NOT removed ORDER BY place"
ENTRIES = """
SELECT weekday, start_minute, end_minute, slot_minutes, location_id, valid_from, valid_to
FROM schedule_entries WHERE clinic_id = $1 AND doctor_id = $2 ORDER BY place
"""
CLEAR_ENTRIES = "DELETE FROM schedule_entries WHERE clinic_id = $1 AND doctor_id = $2"
ADD_ENTRIES = """
INSERT INTO schedule_entries (clinic_id, doctor_id, place, weekday, start_minute, end_minute, slot_minutes, location_id,
                              valid_from, valid_to)
SELECT $1, $2, entry.* FROM unnest($3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::uuid[], $9::date[], $10::date[])
                            AS entry
"""
SET_SCHEDULED = """
UPDATE doctors SET scheduled = $3, schedule_version = schedule_version + 1 WHERE clinic_id = $1 AND id = $2
"""


async def lock(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> int | None:
    """The version of an active doctor's schedule, if there is such a doctor; nobody books or changes the calendar from now on."""
    version: int | None = await connection.fetchval(LOCK, clinic_id, doctor_id)
    return version


async def version_of(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> int | None:
    """The version of an active doctor's schedule, if there is such a doctor."""
    version: int | None = await connection.fetchval(VERSION, clinic_id, doctor_id)
    return version


async def entries(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> list[Weekly]:
    """The weekly entries in the order in which they were written."""
    rows = await connection.fetch(ENTRIES, clinic_id, doctor_id)
    return [Weekly(hours_of(row), row["weekday"], row["valid_from"], row["valid_to"]) for row in rows]


async def location_zones(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> dict[UUID, str | None]:
    """The zones of a doctor's locations; one without has the clinic's."""
    return {row["id"]: row["time_zone"] for row in await connection.fetch(ZONES, clinic_id, doctor_id)}


async def write_entries(connection: Connection, clinic_id: UUID, doctor_id: UUID, weekly: Sequence[Weekly]) -> None:
    """Puts these entries in the place of those before: the schedule's next version."""
    await connection.execute(CLEAR_ENTRIES, clinic_id, doctor_id)
    rows = [(index, rule.weekday, *rule.hours, rule.valid_from, rule.valid_to) for index, rule in enumerate(weekly)]
    await connection.execute(ADD_ENTRIES, clinic_id, doctor_id, *columns(rows, 8))
    await connection.execute(SET_SCHEDULED, clinic_id, doctor_id, bool(weekly))


def hours_of(row: asyncpg.Record) -> Hours:
    """The hours of an entry or of an exception."""
    return Hours(row["start_minute"], row["end_minute"], row["slot_minutes"], row["location_id"])
