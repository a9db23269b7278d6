"""Doctors in SQLAlchemy. Called by `service/doctors.py` and `service/days.py` inside their unit of work."""

from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.availability.models import doctors
from shared.contracts.directory import DoctorView

_VIEW = tuple(doctors.c[name] for name in DoctorView.model_fields if name in doctors.c)


async def codes_like(sql: AsyncConnection, clinic_id: UUID, prefix: str) -> set[str]:
    """The codes of a clinic that begin like this."""
    asked = select(doctors.c.code).where(doctors.c.clinic_id == clinic_id, doctors.c.code.startswith(prefix, autoescape=True))
    return set((await sql.execute(asked)).scalars())


async def add(sql: AsyncConnection, clinic_id: UUID, doctor: DoctorView, now: datetime) -> None:
    """Adds a doctor."""
    columns = doctor.model_dump(exclude={"category", "price_range", "locations"})
    await sql.execute(insert(doctors).values(**columns, clinic_id=clinic_id, created_at=now, updated_at=now))


async def get(sql: AsyncConnection, clinic_id: UUID, doctor_id: UUID, *, share: bool = False) -> DoctorView | None:
    """A doctor of a clinic; with `share` it stays as it is until the transaction ends."""
    asked = select(*_VIEW).where(doctors.c.clinic_id == clinic_id, doctors.c.id == doctor_id)
    row = (await sql.execute(asked.with_for_update(read=True) if share else asked)).mappings().one_or_none()
    return DoctorView.model_validate(dict(row)) if row else None


async def page(sql: AsyncConnection, clinic_id: UUID, *, limit: int, after_code: str) -> list[DoctorView]:
    """The first `limit` doctors behind a code, in order of code."""
    behind = select(*_VIEW).where(doctors.c.clinic_id == clinic_id, doctors.c.code > after_code)
    rows = (await sql.execute(behind.order_by(doctors.c.code).limit(limit))).mappings()
    return [DoctorView.model_validate(dict(row)) for row in rows]
