"""The record of one day in SQLAlchemy. Called by `service/days.py`; its slots are in `slots.py`."""

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.domain.days import Day, DayKey
from services.availability.models import days
from shared.contracts.availability import Mode


async def get(sql: AsyncConnection, key: DayKey, *, lock: bool = False) -> Day | None:
    """The record of a day, if it has one; with `lock` nobody else reads or writes its slots until the transaction ends."""
    asked = select(days.c.mode, days.c.available, days.c.time_zone).where(_is(key))
    row = (await sql.execute(asked.with_for_update() if lock else asked)).one_or_none()
    return Day(Mode(row.mode), row.available, row.time_zone) if row else None


async def make(sql: AsyncConnection, key: DayKey, day: Day) -> bool:
    """Makes a day's record unless there is one, and answers whether it did. Waits for a rival that is making it."""
    made = insert(days).values(**key._asdict(), mode=day.mode.value, available=day.available, time_zone=day.time_zone)
    done = await sql.execute(made.on_conflict_do_nothing().returning(days.c.date))
    return done.one_or_none() is not None


async def change(sql: AsyncConnection, key: DayKey, *, available: bool) -> None:
    """Changes a locked day."""
    await sql.execute(update(days).where(_is(key)).values(available=available, version=days.c.version + 1))


def _is(key: DayKey) -> ColumnElement[bool]:
    clinic_id, doctor_id, date = key
    return and_(days.c.clinic_id == clinic_id, days.c.doctor_id == doctor_id, days.c.date == date)
