"""One day: its record in SQLAlchemy, and what the calendar says of it. Called by `calendar/days.py`."""

from sqlalchemy import ColumnElement, and_, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.domain.days import Day, DayKey, DayRules
from services.availability.models import days, doctors, exceptions
from shared.contracts.availability import Mode
from shared.contracts.calendar import ExceptionKind


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
    asked = select((doctors.c.scheduled | extra).label("timed"), closed.label("closed")).select_from(doctors)
    found = asked.outerjoin(exceptions, on_date).where(doctors.c.clinic_id == key.clinic_id, doctors.c.id == key.doctor_id)
    return DayRules(*(await sql.execute(found.group_by(doctors.c.scheduled))).one())


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
