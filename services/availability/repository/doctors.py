"""Doctors in SQLAlchemy, without their locations. Called by `service/` inside its unit of work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, case, exists, func, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import categories, doctors, price_ranges
from services.availability.repository.locations import places_like
from shared.contracts.directory import CategoryOf, DoctorView, PriceRangeOf, code_key
from shared.contracts.shapes import Active, name_key


def _object(table: Any, kind: type[CategoryOf | PriceRangeOf]) -> ColumnElement[Any]:
    """What a doctor has of a table, in one column; null if nothing."""
    parts = [part for name in kind.model_fields for part in (name, table.c[name])]
    return case((table.c.id.is_not(None), func.json_build_object(*parts)))


_VIEW = select(
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


@dataclass(frozen=True)
class Filter:
    """Which active doctors are asked for: a category or price range by id or name, a location by id or by what its texts contain,
    a language that covers one of theirs, a part of their name or code."""

    category: UUID | str | None = None
    price_range: UUID | str | None = None
    location: UUID | str | None = None
    language: str | None = None
    q: str | None = None


@dataclass(frozen=True)
class Listed:
    """What an import knows a doctor by."""

    code: str
    name: str
    external_id: str | None
    status: Active


_CODE_KEY = func.lower(doctors.c.code)
"""`code_key` in SQL, as the unique index has it."""


async def code_keys_like(sql: AsyncConnection, clinic_id: UUID, code: str) -> set[str]:
    """The keys of a clinic's codes that begin like this one."""
    like = _CODE_KEY.startswith(code_key(code), autoescape=True)
    return set((await sql.execute(select(_CODE_KEY).where(doctors.c.clinic_id == clinic_id, like))).scalars())


async def listed(sql: AsyncConnection, clinic_id: UUID) -> list[Listed]:
    """All doctors of a clinic that were ever registered."""
    columns = (doctors.c.code, doctors.c.name, doctors.c.external_id, doctors.c.status)
    return [Listed(*row) for row in await sql.execute(select(*columns).where(doctors.c.clinic_id == clinic_id))]


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
    row = (await sql.execute(_VIEW.where(one))).mappings().one_or_none()
    return DoctorView.model_validate({**row, "locations": []}) if row else None


async def page(sql: AsyncConnection, clinic_id: UUID, wanted: Filter, *, limit: int, after_code: str) -> list[DoctorView]:
    """The first `limit` active doctors behind a code that are asked for, in order of code, whatever its case."""
    behind = _VIEW.where(doctors.c.clinic_id == clinic_id, doctors.c.status == Active.ACTIVE, _CODE_KEY > code_key(after_code))
    rows = await sql.execute(_filtered(behind, clinic_id, wanted).order_by(_CODE_KEY).limit(limit))
    return [DoctorView.model_validate({**row, "locations": []}) for row in rows.mappings()]


async def matching(sql: AsyncConnection, clinic_id: UUID, wanted: Filter, doctor_id: UUID | None) -> list[UUID]:
    """The active doctors who are asked for, or the one of an id if that is such a doctor."""
    asked = _VIEW.with_only_columns(doctors.c.id).where(doctors.c.clinic_id == clinic_id, doctors.c.status == Active.ACTIVE)
    if doctor_id is not None:
        asked = asked.where(doctors.c.id == doctor_id)
    return list((await sql.execute(_filtered(asked, clinic_id, wanted))).scalars())


def _filtered(asked: Select[Any], clinic_id: UUID, wanted: Filter) -> Select[Any]:
    for table, entry in ((categories, wanted.category), (price_ranges, wanted.price_range)):
        if entry is not None:
            asked = asked.where(table.c.id == entry if isinstance(entry, UUID) else table.c.name_key == name_key(entry))
    if wanted.location is not None:
        asked = asked.where(doctors.c.id.in_(places_like(clinic_id, wanted.location)))
    if wanted.language is not None:
        tag = func.unnest(doctors.c.languages).column_valued("tag")
        asked = asked.where(exists().where(func.lower(tag.op("||")("-")).startswith(f"{wanted.language.lower()}-")))
    if wanted.q is not None:
        parts = (column.icontains(wanted.q, autoescape=True) for column in (doctors.c.name, doctors.c.code))
        asked = asked.where(or_(*parts))
    return asked
