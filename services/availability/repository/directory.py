"""The static tables of the directory in SQLAlchemy, categories and price ranges alike: an id, a name, a version.

Called by `service/directory.py`, and by the use cases that give them to doctors, inside their unit of work.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, RowMapping, Table, and_, delete, exists, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import categories, doctors, price_ranges
from shared.contracts.shapes import Active, name_key

USED_BY = {categories.name: doctors.c.category_id, price_ranges.name: doctors.c.price_range_id}
"""The column of a doctor that names an entry of the table."""


async def add(sql: AsyncConnection, table: Table, clinic_id: UUID, values: Mapping[str, Any], now: datetime) -> None:
    """Adds an entry."""
    fixed = {"clinic_id": clinic_id, "name_key": name_key(values["name"]), "created_at": now, "updated_at": now}
    await sql.execute(insert(table).values(**values, **fixed))


async def change(sql: AsyncConnection, table: Table, clinic_id: UUID, values: Mapping[str, Any], now: datetime) -> None:
    """Gives the locked entry of `values["id"]` these values."""
    changed = update(table).where(_is(table, clinic_id, values["id"]))
    await sql.execute(changed.values(**values, name_key=name_key(values["name"]), updated_at=now))


async def get(sql: AsyncConnection, table: Table, clinic_id: UUID, id_: UUID, *, lock: bool = False) -> RowMapping | None:
    """An entry; with `lock` nobody changes it, or gives it to a doctor, until the transaction ends."""
    asked = select(table).where(_is(table, clinic_id, id_))
    return (await sql.execute(asked.with_for_update() if lock else asked)).mappings().one_or_none()


async def named(sql: AsyncConnection, table: Table, clinic_id: UUID, name: str) -> UUID | None:
    """The id of the entry with this name."""
    asked = select(table.c.id).where(table.c.clinic_id == clinic_id, table.c.name_key == name_key(name))
    return (await sql.execute(asked)).scalar_one_or_none()


async def page(sql: AsyncConnection, table: Table, clinic_id: UUID, *, limit: int, after_key: str) -> list[RowMapping]:
    """The first `limit` entries behind a name, in order of name."""
    behind = select(table).where(table.c.clinic_id == clinic_id, table.c.name_key > after_key)
    return list((await sql.execute(behind.order_by(table.c.name_key).limit(limit))).mappings())


async def keep(sql: AsyncConnection, table: Table, clinic_id: UUID, id_: UUID) -> bool:
    """Whether there is such an entry: it stays until the transaction ends, so that a doctor can have it."""
    asked = select(table.c.id).where(_is(table, clinic_id, id_)).with_for_update(read=True, key_share=True)
    return (await sql.execute(asked)).one_or_none() is not None


async def keep_named(sql: AsyncConnection, table: Table, clinic_id: UUID, keys: Collection[str]) -> dict[str, UUID]:
    """The ids of the entries with these name keys, which stay like those of `keep`."""
    asked = select(table.c.name_key, table.c.id).where(table.c.clinic_id == clinic_id, table.c.name_key.in_(keys))
    rows = await sql.execute(asked.order_by(table.c.id).with_for_update(read=True, key_share=True))
    return {row.name_key: row.id for row in rows}


async def in_use(sql: AsyncConnection, table: Table, clinic_id: UUID, id_: UUID) -> bool:
    """Whether an active doctor has the locked entry."""
    used = exists().where(doctors.c.clinic_id == clinic_id, USED_BY[table.name] == id_, doctors.c.status == Active.ACTIVE)
    return bool((await sql.execute(select(used))).scalar_one())


async def remove(sql: AsyncConnection, table: Table, clinic_id: UUID, id_: UUID) -> None:
    """Removes a locked entry that no active doctor has; the deleted ones lose it."""
    column = USED_BY[table.name]
    await sql.execute(update(doctors).where(doctors.c.clinic_id == clinic_id, column == id_).values({column: None}))
    await sql.execute(delete(table).where(_is(table, clinic_id, id_)))


def _is(table: Table, clinic_id: UUID, id_: UUID) -> ColumnElement[bool]:
    return and_(table.c.clinic_id == clinic_id, table.c.id == id_)
