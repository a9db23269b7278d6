"""Exceptions of a doctor's calendar in plain SQL: closed dates and extra hours. Called by `service/` inside its unit of work."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg

from services.availability.domain.calendar import Closed, Extra
from services.availability.repository.calendar.schedules import hours_of
from shared.contracts.appointments import Reason
from shared.contracts.calendar import ExceptionKind
from shared.infra.postgres import Connection

COLUMNS = "id, kind, from_date, to_date, start_minute, end_minute, slot_minutes, location_id, reason"
TO_COME = f"""
SELECT {COLUMNS} FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND to_date >= $3 AND id IS DISTINCT FROM $4
ORDER BY created_at, id
"""
GET = f"SELECT {COLUMNS} FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND id = $3"
PAGE = f"""
SELECT {COLUMNS} FROM exceptions
WHERE clinic_id = $1 AND doctor_id = $2 AND (from_date, id) > ($3, $4) ORDER BY from_date, id LIMIT $5
"""
ADD = f"""
INSERT INTO exceptions (clinic_id, doctor_id, created_at, {COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
"""
REMOVE = "DELETE FROM exceptions WHERE clinic_id = $1 AND doctor_id = $2 AND id = $3"


class CalendarException(NamedTuple):
    """An exception as it is kept."""

    id: UUID
    rule: Closed | Extra
    reason: Reason | None

    @property
    def dates(self) -> tuple[date, date]:
        """Its first and its last date."""
        return self.rule.dates


async def rules_to_come(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, since: date, without: UUID | None = None
) -> list[Closed | Extra]:
    """The exceptions that have not ended before this date, but for one, in the order in which they were made."""
    return [_exception(row).rule for row in await connection.fetch(TO_COME, clinic_id, doctor_id, since, without)]


async def add(connection: Connection, clinic_id: UUID, doctor_id: UUID, new: CalendarException, now: datetime) -> None:
    """Adds an exception."""
    columns: tuple[object, ...]
    match new.rule:
        case Closed(first, last):
            columns = (ExceptionKind.CLOSED, first, last, None, None, None, None)
        case Extra(hours, day):
            columns = (ExceptionKind.EXTRA, day, day, *hours)
    await connection.execute(ADD, clinic_id, doctor_id, now, new.id, *columns, new.reason)


async def get(connection: Connection, clinic_id: UUID, doctor_id: UUID, exception_id: UUID) -> CalendarException | None:
    """One exception of a doctor."""
    row = await connection.fetchrow(GET, clinic_id, doctor_id, exception_id)
    return _exception(row) if row else None


async def page(
    connection: Connection, clinic_id: UUID, doctor_id: UUID, after: tuple[date, UUID], limit: int
) -> list[CalendarException]:
    """The first `limit` exceptions behind one, in order of their first date."""
    return [_exception(row) for row in await connection.fetch(PAGE, clinic_id, doctor_id, *after, limit)]


async def remove(connection: Connection, clinic_id: UUID, doctor_id: UUID, exception_id: UUID) -> bool:
    """Removes an exception, and answers whether it was there."""
    return await connection.execute(REMOVE, clinic_id, doctor_id, exception_id) == "DELETE 1"


def _exception(row: asyncpg.Record) -> CalendarException:
    if row["kind"] == ExceptionKind.CLOSED:
        rule: Closed | Extra = Closed(row["from_date"], row["to_date"])
    else:
        rule = Extra(hours_of(row), row["from_date"])
    return CalendarException(row["id"], rule, Reason(row["reason"]) if row["reason"] else None)
