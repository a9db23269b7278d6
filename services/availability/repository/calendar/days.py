"""One day: its record in SQLAlchemy, what the calendar says of it, and which one is today. Called by `calendar/days.py`."""

from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from sqlalchemy import ARRAY, ColumnElement, Text, and_, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.domain.dates import oldest_date
from services.availability.domain.days import Day, DayKey, DayRules
from services.availability.models import days, doctors, exceptions
from services.availability.repository.doctors.location_zones import LOCATION_ZONES
from shared.contracts.availability import Mode
from shared.contracts.calendar import ExceptionKind
from shared.infra.postgres import Connection

TODAY = f"""
SELECT {LOCATION_ZONES} AS location_zones, (
  SELECT min(date) FROM days
  WHERE days.clinic_id = doctors.clinic_id AND days.doctor_id = doctors.id AND days.date >= $3
    AND days.date = ($4::timestamptz AT TIME ZONE days.time_zone)::date) AS date
FROM doctors WHERE clinic_id = $1 AND id = $2
"""


class TodayFound(NamedTuple):
    """What says which date it is for a doctor: the day that is today in its own zone, and the zones of all locations."""

    date: date | None
    location_zones: list[str | None]


async def get(sql: AsyncConnection, key: DayKey, *, lock: bool = False) -> Day | None:
    """The record of a day, if it has one; with `lock` nobody else reads or writes its slots until the transaction ends."""
    asked = select(days.c.mode, days.c.available, days.c.time_zone).where(_is(key))
    row = (await sql.execute(asked.with_for_update() if lock else asked)).one_or_none()
    return Day(Mode(row.mode), row.available, row.time_zone) if row else None


async def rules(sql: AsyncConnection, key: DayKey) -> DayRules:
    """What the calendar of an existing doctor says of the date. Under the doctor's lock it stays so."""
    same = and_(exceptions.c.clinic_id == doctors.c.clinic_id, exceptions.c.doctor_id == doctors.c.id)
    on_date = and_(same, exceptions.c.from_date <= key.date, exceptions.c.to_date >= key.date)
    kinds = (ExceptionKind.EXTRA, ExceptionKind.CLOSED)
    extra, closed = (func.coalesce(func.bool_or(exceptions.c.kind == kind.value), False) for kind in kinds)
    zones = literal_column(LOCATION_ZONES, ARRAY(Text)).label("location_zones")
    asked = select((doctors.c.scheduled | extra).label("timed"), closed.label("closed"), zones).select_from(doctors)
    found = asked.outerjoin(exceptions, on_date).where(doctors.c.clinic_id == key.clinic_id, doctors.c.id == key.doctor_id)
    return DayRules(*(await sql.execute(found.group_by(doctors.c.clinic_id, doctors.c.id))).one())


async def today(connection: Connection, clinic_id: UUID, doctor_id: UUID, now: datetime) -> TodayFound | None:
    """What says which date it is for a doctor, a deleted one too. Of two days the earlier one: it began before the other."""
    row = await connection.fetchrow(TODAY, clinic_id, doctor_id, oldest_date(now), now)
    return TodayFound(row["date"], row["location_zones"]) if row else None


async def make(sql: AsyncConnection, key: DayKey, day: Day) -> bool:
    """Makes a day's record unless there is one, and answers whether it did. Waits for another transaction that is making it."""
    made = insert(days).values(**key._asdict(), mode=day.mode.value, available=day.available, time_zone=day.time_zone)
    done = await sql.execute(made.on_conflict_do_nothing().returning(days.c.date))
    return done.one_or_none() is not None


async def change(sql: AsyncConnection, key: DayKey, *, available: bool) -> None:
    """Changes a locked day."""
    await sql.execute(update(days).where(_is(key)).values(available=available, version=days.c.version + 1))


def _is(key: DayKey) -> ColumnElement[bool]:
    clinic_id, doctor_id, date = key
    return and_(days.c.clinic_id == clinic_id, days.c.doctor_id == doctor_id, days.c.date == date)
