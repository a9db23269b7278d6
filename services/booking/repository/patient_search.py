"""Patients as they are read over HTTP, on SQLAlchemy: one, those with a number, or a page of those that match a filter."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import patient_words, patients
from services.booking.repository.patients import Patient
from shared.contracts.shapes import Active

_COLUMNS = [patients.c[field.name] for field in fields(Patient)]
_ORDER = (patients.c.name_key, patients.c.id)
_LAST_CHARACTER = "\U0010ffff"
_last_shown = patients.alias("last_shown")


@dataclass(frozen=True)
class PatientFilter:
    """Which patients a list shows; what is not set is not asked for. The page begins behind the patient `after`."""

    phone_index: bytes | None
    extension_index: bytes | None
    """Of a phone that was asked for with its extension; without one, all who have the number are found."""
    nhs_index: bytes | None
    name_key: str | None
    """Each of its words begins a word of the name, marks and hyphens apart."""
    after: UUID | None


async def having(sql: AsyncConnection, clinic_id: UUID, column: str, index: bytes, *, merged: bool = False) -> list[Patient]:
    """The active patients with a phone or NHS number (by `phone_index` or `nhs_index`), the oldest first; then, if wanted, the
    merged ones."""
    there: ColumnElement[bool] = patients.c.status == Active.ACTIVE
    if merged:
        there = or_(there, patients.c.merged_into.is_not(None))
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id, patients.c[column] == index, there)
    rows = await sql.execute(query.order_by(patients.c.merged_into.is_not(None), patients.c.created_at, patients.c.id))
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
    """At most `limit` active patients in order of name. Nobody has a name that has no word."""
    words: list[str] = []
    if wanted.name_key is not None:
        words = (await sql.scalars(select(func.words_of_name(wanted.name_key)))).one()
        if not words:
            return []
    rows = await sql.execute(page_of(clinic_id, wanted, words, limit))
    return [_patient(row) for row in rows.mappings()]


def page_of(clinic_id: UUID, wanted: PatientFilter, words: Sequence[str], limit: int) -> Select[Any]:
    """The statement of a page; `words` are those of `words_of_name`."""
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id, patients.c.status == Active.ACTIVE)
    for column in (patients.c.phone_index, patients.c.extension_index, patients.c.nhs_index):
        index = getattr(wanted, column.name)
        query = query if index is None else query.where(column == index)
    if wanted.after is not None:
        last = select(*(_last_shown.c[column.name] for column in _ORDER)).where(_last_shown.c.clinic_id == clinic_id)
        query = query.where(tuple_(*_ORDER) > last.where(_last_shown.c.id == wanted.after).scalar_subquery())
    begins = [patients.c.id.in_(_with_word(clinic_id, word)) for word in words]
    return query.where(*begins).order_by(*_ORDER).limit(limit)


def _with_word(clinic_id: UUID, beginning: str) -> Select[Any]:
    """The ids of those who have a word that begins so: what sorts between it and the last text that does. Row security lets an
    index be asked by comparisons, and not by LIKE."""
    word = patient_words.c.word
    query = select(patient_words.c.patient_id).where(patient_words.c.clinic_id == clinic_id)
    return query.where(word >= beginning, word < beginning + _LAST_CHARACTER)


def _patient(row: Any) -> Patient:
    return Patient(**{**row, "status": Active(row["status"])})
