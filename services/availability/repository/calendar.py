"""The rules of a doctor's calendar in plain SQL: weekly entries, exceptions, and the zones of locations.

Called by `service/` inside its unit of work. Who writes holds the doctor's lock: bookings hold it shared, so that nobody books
into a calendar while it changes, and what a batch reads behind that lock stays as it is.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, Weekly
from shared.contracts.appointments import Reason
from shared.contracts.calendar import ExceptionKind
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
EXCEPTION = "id, kind, from_date, to_date, start_minute, end_minute, slot_minutes, location_id, reason"
TO_COME = f"""
SELECT {EXCEPTION} FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND to_date >= $3 ORDER BY created_at, id
"""
GET_EXCEPTION = f"SELECT {EXCEPTION} FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND id = $3"
PAGE = f"""
SELECT {EXCEPTION} FROM exceptions
WHERE clinic_id = $1 AND doctor_id = $2 AND (from_date, id) > ($3, $4) ORDER BY from_date, id LIMIT $5
"""
ADD_EXCEPTION = f"""
INSERT INTO exceptions (clinic_id, doctor_id, created_at, {EXCEPTION}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
END_EXCEPTION = "DELETE FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND id = $3"


class Kept(NamedTuple):
    """An exception as it is kept."""

    id: UUID
    rule: Closed | Extra
    reason: Reason | None


async def lock(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> int | None:
    """The version of an active doctor's schedule, if there is such a doctor; nobody books or changes the calendar from now on."""
    version: int | None = await connection.fetchval(LOCK, clinic_id, doctor_id)
    return version


async def version_of(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> int | None:
    """The version of an active doctor's schedule, if there is such a doctor."""
    version: int | None = await connection.fetchval(VERSION, clinic_id, doctor_id)
    return version


async def read(connection: Connection, clinic_id: UUID, doctor_id: UUID, clinic_zone: str, since: date) -> Calendar:
    """The rules of a doctor; exceptions that ended before this date are left out."""
    rows = await connection.fetch(ZONES, clinic_id, doctor_id)
    zones = {row["id"]: row["time_zone"] or clinic_zone for row in rows}
    kept = [_kept(row).rule for row in await connection.fetch(TO_COME, clinic_id, doctor_id, since)]
    return Calendar(
        zone=next(iter(zones.values())) if len(zones) == 1 else clinic_zone,
        weekly=await entries(connection, clinic_id, doctor_id),
        extra=[rule for rule in kept if isinstance(rule, Extra)],
        closed=[rule for rule in kept if isinstance(rule, Closed)],
        zones=zones,
    )


async def entries(connection: Connection, clinic_id: UUID, doctor_id: UUID) -> list[Weekly]:
    """The weekly entries in the order in which they were written."""
    rows = await connection.fetch(ENTRIES, clinic_id, doctor_id)
    return [Weekly(_hours(row), row["weekday"], row["valid_from"], row["valid_to"]) for row in rows]


async def write_entries(connection: Connection, clinic_id: UUID, doctor_id: UUID, rules: Sequence[Weekly]) -> None:
    """Puts these entries in the place of those before: the schedule's next version."""
    await connection.execute(CLEAR_ENTRIES, clinic_id, doctor_id)
    rows = [(place, rule.weekday, *rule.hours, rule.valid_from, rule.valid_to) for place, rule in enumerate(rules)]
    columns = [[row[column] for row in rows] for column in range(8)]
    await connection.execute(ADD_ENTRIES, clinic_id, doctor_id, *columns)
    await connection.execute(SET_SCHEDULED, clinic_id, doctor_id, bool(rules))


async def add_exception(connection: Connection, clinic_id: UUID, doctor_id: UUID, kept: Kept, now: datetime) -> None:
    """Adds an exception."""
    columns: tuple[object, ...]
    match kept.rule:
        case Closed(first, last):
            columns = (ExceptionKind.CLOSED, first, last, None, None, None, None)
        case Extra(hours, day):
            columns = (ExceptionKind.EXTRA, day, day, *hours)
    await connection.execute(ADD_EXCEPTION, clinic_id, doctor_id, now, kept.id, *columns, kept.reason)


async def get_exception(connection: Connection, clinic_id: UUID, doctor_id: UUID, exception_id: UUID) -> Kept | None:
    """One exception of a doctor."""
    row = await connection.fetchrow(GET_EXCEPTION, clinic_id, doctor_id, exception_id)
    return _kept(row) if row else None


async def page(connection: Connection, clinic_id: UUID, doctor_id: UUID, after: tuple[date, UUID], limit: int) -> list[Kept]:
    """The first `limit` exceptions behind one, in order of their first date."""
    return [_kept(row) for row in await connection.fetch(PAGE, clinic_id, doctor_id, *after, limit)]


async def end_exception(connection: Connection, clinic_id: UUID, doctor_id: UUID, exception_id: UUID) -> bool:
    """Removes an exception, and answers whether it was there."""
    return await connection.execute(END_EXCEPTION, clinic_id, doctor_id, exception_id) == "DELETE 1"


def _kept(row: asyncpg.Record) -> Kept:
    if row["kind"] == ExceptionKind.CLOSED:
        rule: Closed | Extra = Closed(row["from_date"], row["to_date"])
    else:
        rule = Extra(_hours(row), row["from_date"])
    return Kept(row["id"], rule, Reason(row["reason"]) if row["reason"] else None)


def _hours(row: asyncpg.Record) -> Hours:
    return Hours(row["start_minute"], row["end_minute"], row["slot_minutes"], row["location_id"])
