"""The open slots of a clinic: what can be booked now of what is published. Called by `routes/slots.py`."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

import asyncpg

from services.availability.domain.dates import DAY, oldest_date, range_error, today
from services.availability.domain.days import bookable_after
from services.availability.repository.doctors import doctor_rows
from services.availability.repository.doctors.search import DoctorFilter, matching
from services.availability.repository.slots.search import SearchPosition, SlotQuery, find
from shared.contracts.calendar import MAX_SEARCH_DAYS, SlotPage, SlotStatus, SlotView
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code, FieldError
from shared.infra import clinic_settings
from shared.infra.caller import Caller
from shared.infra.forms import DEFAULT_LIMIT, decode_cursor, encode_cursor, no_cursor
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

WEEK = 6 * DAY
"""From its first day to its last."""


@dataclass(frozen=True)
class SlotSearch:
    """Which slots are asked for; both dates inclusive. Either a page of them or the earliest few."""

    doctor_id: UUID | None = None
    category: UUID | str | None = None
    location_id: UUID | None = None
    language: str | None = None
    first: date | None = None
    last: date | None = None
    earliest: int | None = None
    limit: int | None = None
    cursor: str | None = None


async def list_slots(unit: RegistryUnit, caller: Caller, search: SlotSearch) -> SlotPage:
    """A page of the open slots that are asked for, or the earliest of them, in order of start, doctor and id.

    Raises `ProblemError` for a range that is none or too long, and for a doctor who is not there.
    """
    clinic = await clinic_settings.of(unit.connection, caller.clinic_id)
    dates = _dates(search, clinic, unit.now)
    if search.earliest is not None and (search.limit is not None or search.cursor is not None):
        raise ProblemError(Code.VALIDATION_FAILED, errors=[FieldError(field="earliest", reason="goes without limit and cursor")])
    after = _after(search.cursor, unit.now)
    among = await _doctors(unit, caller, search)
    size = search.earliest or search.limit or DEFAULT_LIMIT
    query = SlotQuery(
        clinic_id=caller.clinic_id, doctors=among, first=dates.first, last=dates.last,
        bookable_after=bookable_after(clinic, unit.now), now=unit.now, horizon_days=dates.days_ahead, after=after,
        location_id=search.location_id, limit=size + 1,
    )  # fmt: skip
    rows = await find(unit.connection, query)
    more, rows = len(rows) > size and search.earliest is None, rows[:size]
    return SlotPage(items=[_view(row) for row in rows], next_cursor=_cursor(rows[-1]) if more else None)


async def _doctors(unit: RegistryUnit, caller: Caller, search: SlotSearch) -> list[UUID]:
    """The active doctors whose slots are searched."""
    if search.doctor_id and await doctor_rows.get(unit.sql, caller.clinic_id, search.doctor_id) is None:
        raise ProblemError(Code.UNKNOWN_DOCTOR)
    wanted = DoctorFilter(category=search.category, location=search.location_id, language=search.language)
    return await matching(unit.sql, caller.clinic_id, wanted, search.doctor_id)


class SearchDates(NamedTuple):
    """The first and the last date, and how many days ahead of its own today a slot may be."""

    first: date
    last: date
    days_ahead: int


def _dates(search: SlotSearch, clinic: ClinicSettings, now: datetime) -> SearchDates:
    """Without a first date from now on, whatever date that is where the slot is.

    Without a last one a week, but all that can be booked for the earliest few.
    """
    horizon_days = clinic.booking_horizon_days
    end, first = now.date() + (horizon_days + 1) * DAY, search.first or oldest_date(now)
    if search.last is not None:
        # It may be today where the doctor is, and yesterday by the clinic's clock.
        begin = search.first or max(first, min(search.last, today(clinic.time_zone, now)))
        if error := range_error(begin, search.last, MAX_SEARCH_DAYS):
            raise ProblemError(Code.VALIDATION_FAILED, errors=[error])
        return SearchDates(first, search.last, horizon_days)
    if search.earliest is not None:
        return SearchDates(first, max(first, end), horizon_days)
    if search.first is not None:
        return SearchDates(first, min(first, date.max - WEEK) + WEEK, horizon_days)
    return SearchDates(first, end, min(horizon_days, WEEK.days))


def _after(cursor: str | None, now: datetime) -> SearchPosition:
    """Behind which slot the page begins: without a cursor behind all that has begun."""
    if cursor is None:
        return SearchPosition(now)
    start, doctor, id_ = decode_cursor(cursor, 3)
    try:
        return SearchPosition(datetime.fromisoformat(start).astimezone(UTC), UUID(doctor), UUID(id_))
    except (ValueError, OverflowError):
        raise no_cursor() from None


def _cursor(last: asyncpg.Record) -> str:
    return encode_cursor(last["starts_at"].isoformat(), str(last["doctor_id"]), str(last["id"]))


def _view(row: asyncpg.Record) -> SlotView:
    zone = ZoneInfo(row["time_zone"])
    local_start, local_end = (row[name].astimezone(zone).isoformat() for name in ("starts_at", "ends_at"))
    fields = dict(row)
    return SlotView(**fields, local_start=local_start, local_end=local_end, status=SlotStatus.FREE)
