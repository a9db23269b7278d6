"""The open slots of a doctor: what can be booked now of what is published. Called by `routes/calendar.py`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.availability.domain.calendar import DAY
from services.availability.domain.publication import today
from services.availability.repository import doctors, settings
from services.availability.repository.open_slots import Asked, find
from shared.contracts.calendar import MAX_SEARCH_DAYS, SlotPage, SlotStatus, SlotView
from shared.contracts.problems import Code, FieldError
from shared.infra.caller import Caller
from shared.infra.forms import decode_cursor, encode_cursor, no_cursor
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

WEEK = 6 * DAY
"""From its first day to its last."""
FIRST_ID = UUID(int=0)


@dataclass(frozen=True)
class Search:
    """Which slots are asked for; both dates inclusive."""

    doctor_id: UUID
    first: date | None
    last: date | None
    limit: int
    cursor: str | None


async def list_slots(unit: RegistryUnit, caller: Caller, search: Search) -> SlotPage:
    """A page of a doctor's open slots in order of start. Raises `ProblemError` for a range that is none or too long."""
    clinic = await settings.of(unit.connection, caller.clinic_id)
    first = search.first or today(clinic.time_zone, unit.now)
    last = search.last or min(first, date.max - WEEK) + WEEK
    _refuse_range(first, last)
    after = _after(search.cursor, unit.now)
    if await doctors.get(unit.sql, caller.clinic_id, search.doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    open_from = unit.now + timedelta(minutes=clinic.lead_time_minutes)
    asked = Asked(caller.clinic_id, search.doctor_id, first, last, open_from, *after, search.limit + 1)
    rows = await find(unit.connection, asked)
    more, rows = len(rows) > search.limit, rows[: search.limit]
    cursor = encode_cursor(rows[-1]["starts_at"].isoformat(), str(rows[-1]["id"])) if more else None
    return SlotPage(items=[_view(row) for row in rows], next_cursor=cursor)


def _refuse_range(first: date, last: date) -> None:
    if last < first:
        reason = "must not be earlier than from"
    elif (last - first).days >= MAX_SEARCH_DAYS:
        reason = f"must be within {MAX_SEARCH_DAYS} days"
    else:
        return
    raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="to", reason=reason)])


def _after(cursor: str | None, now: datetime) -> tuple[datetime, UUID]:
    """Behind which slot the page begins: without a cursor behind all that has begun."""
    if cursor is None:
        return now, FIRST_ID
    start, id_ = decode_cursor(cursor, 2)
    try:
        return datetime.fromisoformat(start).astimezone(UTC), UUID(id_)
    except (ValueError, OverflowError):
        raise no_cursor() from None


def _view(row: asyncpg.Record) -> SlotView:
    zone = ZoneInfo(row["time_zone"])
    local_start, local_end = (row[name].astimezone(zone).isoformat() for name in ("starts_at", "ends_at"))
    fields = dict(row)
    return SlotView(**fields, local_start=local_start, local_end=local_end, status=SlotStatus.FREE)
