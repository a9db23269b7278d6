"""The search for active doctors in SQLAlchemy. Called by `doctors/search.py`, and by what looks for slots of several doctors."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Select, exists, func, or_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import categories, doctors, price_ranges
from services.availability.repository.doctors.doctor_rows import CODE_KEY, VIEW
from services.availability.repository.doctors.locations import doctors_at
from shared.contracts.directory import DoctorView, code_key
from shared.contracts.shapes import Active, name_key


@dataclass(frozen=True)
class DoctorFilter:
    """Which active doctors are asked for: a category or price range by id or name, a location by id or by what its texts contain,
    a language that covers one of theirs, a part of their name or code."""

    category: UUID | str | None = None
    price_range: UUID | str | None = None
    location: UUID | str | None = None
    language: str | None = None
    q: str | None = None


async def page(sql: AsyncConnection, clinic_id: UUID, wanted: DoctorFilter, *, limit: int, after_code: str) -> list[DoctorView]:
    """The first `limit` active doctors behind a code that are asked for, in order of code, whatever its case."""
    behind = VIEW.where(doctors.c.clinic_id == clinic_id, doctors.c.status == Active.ACTIVE, CODE_KEY > code_key(after_code))
    rows = await sql.execute(_filtered(behind, clinic_id, wanted).order_by(CODE_KEY).limit(limit))
    return [DoctorView.model_validate({**row, "locations": []}) for row in rows.mappings()]


async def matching(sql: AsyncConnection, clinic_id: UUID, wanted: DoctorFilter, doctor_id: UUID | None) -> list[UUID]:
    """The active doctors who are asked for, or the one of an id if that is such a doctor."""
    asked = VIEW.with_only_columns(doctors.c.id).where(doctors.c.clinic_id == clinic_id, doctors.c.status == Active.ACTIVE)
    if doctor_id is not None:
        asked = asked.where(doctors.c.id == doctor_id)
    return list((await sql.execute(_filtered(asked, clinic_id, wanted))).scalars())


def _filtered(asked: Select[Any], clinic_id: UUID, wanted: DoctorFilter) -> Select[Any]:
    for table, entry in ((categories, wanted.category), (price_ranges, wanted.price_range)):
        if entry is not None:
            asked = asked.where(table.c.id == entry if isinstance(entry, UUID) else table.c.name_key == name_key(entry))
    if wanted.location is not None:
        asked = asked.where(doctors.c.id.in_(doctors_at(clinic_id, wanted.location)))
    if wanted.language is not None:
        tag = func.unnest(doctors.c.languages).column_valued("tag")
        asked = asked.where(exists().where(func.lower(tag.op("||")("-")).startswith(f"{wanted.language.lower()}-")))
    if wanted.q is not None:
        parts = (column.icontains(wanted.q, autoescape=True) for column in (doctors.c.name, doctors.c.code))
        asked = asked.where(or_(*parts))
    return asked
