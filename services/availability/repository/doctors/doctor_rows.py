"""Doctors in SQLAlchemy, without their locations: added, changed, read. Called by `service/` inside its unit of work."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import categories, doctors, price_ranges
from shared.contracts.directory import CategoryOf, DoctorView, PriceRangeOf, code_key
from shared.contracts.shapes import Active


def _object(table: Any, kind: type[CategoryOf | PriceRangeOf]) -> ColumnElement[Any]:
    """What a doctor has of a table, in one column; null if nothing."""
    parts = [part for name in kind.model_fields for part in (name, table.c[name])]
    return case((table.c.id.is_not(None), func.json_build_object(*parts)))


VIEW = select(
    *(doctors.c[name] for name in DoctorView.model_fields if name in doctors.c),
    _object(categories, CategoryOf).label("category"),
    _object(price_ranges, PriceRangeOf).label("price_range"),
).select_from(
    doctors.outerjoin(
        categories, and_(categories.c.clinic_id == doctors.c.clinic_id, categories.c.id == doctors.c.category_id)
    ).outerjoin(
        price_ranges, and_(price_ranges.c.clinic_id == doctors.c.clinic_id, price_ranges.c.id == doctors.c.price_range_id)
    )
)


CODE_KEY = func.lower(doctors.c.code)
"""`code_key` in SQL, as the unique index has it."""


async def code_keys_like(sql: AsyncConnection, clinic_id: UUID, code: str) -> set[str]:
    """The keys of a clinic's codes that begin like this one."""
    like = CODE_KEY.startswith(code_key(code), autoescape=True)
    return set((await sql.execute(select(CODE_KEY).where(doctors.c.clinic_id == clinic_id, like))).scalars())


async def add(sql: AsyncConnection, clinic_id: UUID, rows: Sequence[Mapping[str, Any]], now: datetime) -> None:
    """Adds doctors with the same columns each."""
    fixed = {"clinic_id": clinic_id, "status": Active.ACTIVE, "version": 1, "created_at": now, "updated_at": now}
    await sql.execute(insert(doctors), [{**row, **fixed} for row in rows])


async def change(sql: AsyncConnection, clinic_id: UUID, doctor_id: UUID, values: Mapping[str, Any], now: datetime) -> None:
    """Gives a locked doctor these values and the next version."""
    changed = update(doctors).where(doctors.c.clinic_id == clinic_id, doctors.c.id == doctor_id)
    await sql.execute(changed.values(**values, version=doctors.c.version + 1, updated_at=now))


async def get(
    sql: AsyncConnection, clinic_id: UUID, doctor_id: UUID, *, share: bool = False, lock: bool = False
) -> DoctorView | None:
    """A doctor of a clinic; with `share` it stays as it is until the transaction ends, with `lock` nobody books meanwhile."""
    one = and_(doctors.c.clinic_id == clinic_id, doctors.c.id == doctor_id)
    if share or lock:  # by itself: a join behind a wait would look at the category of before
        await sql.execute(select(doctors.c.id).where(one).with_for_update(read=share, key_share=lock))
    row = (await sql.execute(VIEW.where(one))).mappings().one_or_none()
    return DoctorView.model_validate({**row, "locations": []}) if row else None
