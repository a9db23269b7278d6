"""Patients as they are read over HTTP, on SQLAlchemy: one, those with a number, or a page of those that match a filter."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import patients
from services.booking.repository.patients import Patient
from shared.contracts.shapes import Active

_COLUMNS = [patients.c[field.name] for field in fields(Patient)]
_ORDER = (patients.c.name_key, patients.c.id)
_last_shown = patients.alias("last_shown")


@dataclass(frozen=True)
class PatientFilter:
    """Which patients a list shows; what is not set is not asked for. The page begins behind the patient `after`."""

    phone_index: bytes | None
    extension_index: bytes | None
    """Of a phone that was asked for with its extension; without one, all who have the number are found."""
    nhs_index: bytes | None
    words: Sequence[str]
    """Each begins a word of the name."""
    after: UUID | None


async def having(sql: AsyncConnection, clinic_id: UUID, column: str, index: bytes) -> list[Patient]:
    """The active patients with a phone or NHS number (by `phone_index` or `nhs_index`), the oldest first."""
    theirs = (patients.c.clinic_id == clinic_id, patients.c[column] == index, patients.c.status == Active.ACTIVE)
    rows = await sql.execute(select(*_COLUMNS).where(*theirs).order_by(patients.c.created_at, patients.c.id))
    return [_patient(row) for row in rows.mappings()]


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Patient | None:
    """One patient, if it is there for this clinic; a deleted one too. The id of a merged patient gives the survivor."""
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id)
    row = (await sql.execute(query.where(patients.c.id == await _survivor_of(sql, clinic_id, id_)))).mappings().one_or_none()
    return None if row is None else _patient(row)


async def all_ids(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> list[UUID]:
    """The ids under which a patient's appointments are kept: the survivor's, and of all who were merged into it."""
    survivor = await _survivor_of(sql, clinic_id, id_)
    theirs = or_(patients.c.id == survivor, patients.c.merged_into == survivor)
    query = select(patients.c.id).where(patients.c.clinic_id == clinic_id, theirs)
    return list((await sql.scalars(query.order_by(patients.c.id))).all())


async def _survivor_of(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> UUID:
    """The survivor of a merged patient, else the patient. A statement of its own: joined to itself, a table whose statistics are
    old goes through all of a clinic for each of its patients (4 s for a clinic of 4,000)."""
    query = select(patients.c.merged_into).where(patients.c.clinic_id == clinic_id, patients.c.id == id_)
    return (await sql.scalars(query)).one_or_none() or id_


async def find(sql: AsyncConnection, clinic_id: UUID, wanted: PatientFilter, limit: int) -> list[Patient]:
    """At most `limit` active patients in order of name."""
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id, patients.c.status == Active.ACTIVE)
    for column in (patients.c.phone_index, patients.c.extension_index, patients.c.nhs_index):
        index = getattr(wanted, column.name)
        query = query if index is None else query.where(column == index)
    begins = [(" " + patients.c.name_key).contains(f" {word}", autoescape=True) for word in wanted.words]
    if wanted.after is not None:
        last = select(*(_last_shown.c[column.name] for column in _ORDER)).where(_last_shown.c.clinic_id == clinic_id)
        query = query.where(tuple_(*_ORDER) > last.where(_last_shown.c.id == wanted.after).scalar_subquery())
    rows = await sql.execute(query.where(*begins).order_by(*_ORDER).limit(limit))
    return [_patient(row) for row in rows.mappings()]


def _patient(row: Any) -> Patient:
    return Patient(**{**row, "status": Active(row["status"])})
