"""Patients: locked by batches on asyncpg, registered and read over HTTP on SQLAlchemy. What identifies them comes sealed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import patients
from shared.contracts.clinics import ClinicSettings
from shared.contracts.shapes import Active
from shared.infra.errors import Outrun
from shared.infra.postgres import Connection

# Of a row that another transaction has changed meanwhile the newest version is given, so a merge that came in between shows in
# `merged_into`. It is not joined with the survivors: before the table has statistics that reads all of a clinic for each patient.
# The settings ride along: one round trip less for each batch.
_LOCK = """
SELECT patients.clinic_id, patients.id, patients.status, patients.merged_into, patients.version,
       coalesce((clinic_settings.settings ->> 'one_booking_per_patient_day')::boolean, false) AS one_booking_a_day,
       (clinic_settings.settings ->> 'hold_ttl_seconds')::int AS hold_ttl_seconds
FROM patients JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
LEFT JOIN clinic_settings ON clinic_settings.clinic_id = patients.clinic_id
ORDER BY patients.id FOR {strength} OF patients
"""
LOCK = _LOCK.format(strength="NO KEY UPDATE")
"""Serialises the bookings of a patient, and lets foreign keys pass."""
LOCK_TO_END = _LOCK.format(strength="UPDATE")
"""Lets no foreign key pass either: nothing new may point to who is deleted or merged."""
SURVIVORS = """
SELECT patients.clinic_id, patients.id, patients.merged_into
FROM patients JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id) WHERE merged_into IS NOT NULL
"""
END = """
UPDATE patients SET status = 'deleted', merged_into = $3, version = version + 1, updated_at = $4 WHERE clinic_id = $1 AND id = $2
"""
POINT_TO = "UPDATE patients SET merged_into = $3 WHERE clinic_id = $1 AND merged_into = $2"
DEFAULTS = ClinicSettings()
LOOKS_MAX = 3
"""The patients, their survivors, and once more if a rival merge came in between. Then the transaction begins again."""
# The keys come sorted: two calls that want the same locks want them in the same order. An import wants the whole clinic: a lock
# for each of its lines would be more than a server has room for.
SERIALISE = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('patients:' || $1::text, 0))
UNION ALL SELECT pg_advisory_xact_lock(key) FROM unnest($2::bigint[]) AS key
"""
SERIALISE_CLINIC = "SELECT pg_advisory_xact_lock(hashtextextended('patients:' || $1::text, 0))"
_TYPES = {
    "clinic_id": "uuid", "id": "uuid", "name": "text", "name_key": "text", "phone": "bytea", "phone_index": "bytea",
    "date_of_birth": "bytea", "email": "bytea", "nhs_number": "bytea", "nhs_index": "bytea", "postcode": "bytea",
    "address": "bytea", "status": "text", "version": "bigint", "created_at": "timestamptz", "updated_at": "timestamptz",
    "external_index": "bytea",
}  # fmt: skip
_NAMES = ", ".join(_TYPES)
ADD = f"""
INSERT INTO patients ({_NAMES})
SELECT * FROM unnest({", ".join(f"${place}::{type_}[]" for place, type_ in enumerate(_TYPES.values(), 1))})
"""


Key = tuple[UUID, UUID]
"""Clinic and id."""


@dataclass(frozen=True)
class Locked:
    """A locked patient: the one that was asked for, or the survivor of its merge."""

    id: UUID
    status: Active
    version: int
    one_booking_a_day: bool
    """Whether the clinic allows one booking of a doctor's day only."""
    hold_ttl: timedelta
    """How long the clinic holds a place that is not confirmed."""


@dataclass(frozen=True)
class Patient:
    """A patient's row; what identifies it is sealed, and an index finds it. `external_index` is that of an import's id."""

    clinic_id: UUID
    id: UUID
    name: str
    name_key: str
    phone: bytes
    phone_index: bytes
    date_of_birth: bytes | None
    email: bytes | None
    nhs_number: bytes | None
    nhs_index: bytes | None
    postcode: bytes | None
    address: bytes | None
    status: Active
    version: int
    created_at: datetime
    updated_at: datetime
    external_index: bytes | None = None


@dataclass(frozen=True)
class Wanted:
    """Whom a search asks for; what is not set is not asked for. The page begins behind the patient `after`."""

    phone_index: bytes | None
    nhs_index: bytes | None
    words: Sequence[str]
    """Each begins a word of the name."""
    after: UUID | None


_COLUMNS = [patients.c[name] for name in _TYPES]
_asked = patients.alias("asked")


async def lock(connection: Connection, keys: Collection[Key], statement: str = LOCK) -> dict[Key, Locked]:
    """Locks the patients that (clinic, id) stand for, in the order of their ids; who was merged stands for the survivor.

    One statement, whatever is asked, and one more for the survivors if somebody was merged.
    """
    rows: dict[Key, Any] = {}
    asked: set[Key] = set()
    left = set(keys)
    for _ in range(LOOKS_MAX):
        found = await connection.fetch(statement, [clinic for clinic, _ in left], [id_ for _, id_ in left])
        rows |= {(row["clinic_id"], row["id"]): row for row in found}
        asked |= left
        ends = {key: _end_of(key, rows) for key in keys}
        left = set(ends.values()) - asked
        if not left:
            return {key: _locked(rows[end]) for key, end in ends.items() if end in rows}
    raise Outrun


def _end_of(key: Key, rows: Mapping[Key, Any]) -> Key:
    """For whom a patient stands, as far as the rows tell."""
    row = rows.get(key)
    return key if row is None or row["merged_into"] is None else _end_of((key[0], row["merged_into"]), rows)


def _locked(row: Any) -> Locked:
    hold_ttl = timedelta(seconds=row["hold_ttl_seconds"] or DEFAULTS.hold_ttl_seconds)
    return Locked(row["id"], Active(row["status"]), row["version"], row["one_booking_a_day"], hold_ttl)


async def survivors(connection: Connection, keys: Collection[Key]) -> dict[Key, UUID]:
    """For whom those of the patients stand that were merged."""
    rows = await connection.fetch(SURVIVORS, [clinic for clinic, _ in keys], [id_ for _, id_ in keys])
    return {(row["clinic_id"], row["id"]): row["merged_into"] for row in rows}


async def end(connection: Connection, clinic_id: UUID, id_: UUID, survivor: UUID | None, now: datetime) -> None:
    """Deletes a locked patient, who stands for a `survivor` from now on if it was merged."""
    await connection.execute(END, clinic_id, id_, survivor, now)


async def point_to(connection: Connection, clinic_id: UUID, loser: UUID, survivor: UUID) -> None:
    """Who was merged into the loser stands for the survivor, too. Nobody reads these rows themselves: they keep their version."""
    await connection.execute(POINT_TO, clinic_id, loser, survivor)


async def serialise(connection: Connection, clinic_id: UUID, keys: Collection[bytes]) -> None:
    """Waits until no other transaction registers under any of these keys; the locks end with the transaction."""
    numbers = sorted(int.from_bytes(key[:8], signed=True) for key in keys)
    await connection.execute(SERIALISE, str(clinic_id), numbers)


async def serialise_clinic(connection: Connection, clinic_id: UUID) -> None:
    """Waits until no other transaction registers or changes patients of the clinic."""
    await connection.execute(SERIALISE_CLINIC, str(clinic_id))


async def having(sql: AsyncConnection, clinic_id: UUID, column: str, index: bytes) -> list[Patient]:
    """The active patients with a phone or NHS number (by `phone_index` or `nhs_index`), the oldest first."""
    theirs = (patients.c.clinic_id == clinic_id, patients.c[column] == index, patients.c.status == Active.ACTIVE)
    rows = await sql.execute(select(*_COLUMNS).where(*theirs).order_by(patients.c.created_at, patients.c.id))
    return [_patient(row) for row in rows.mappings()]


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Patient | None:
    """One patient, if it is there for this clinic; a deleted one too. Who was merged stands for the survivor."""
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id)
    row = (await sql.execute(query.where(patients.c.id == await _stands_for(sql, clinic_id, id_)))).mappings().one_or_none()
    return None if row is None else _patient(row)


async def one_person(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> list[UUID]:
    """The ids under which a patient's appointments are kept: the survivor's, and of all who were merged into it."""
    survivor = await _stands_for(sql, clinic_id, id_)
    theirs = or_(patients.c.id == survivor, patients.c.merged_into == survivor)
    query = select(patients.c.id).where(patients.c.clinic_id == clinic_id, theirs)
    return list((await sql.scalars(query.order_by(patients.c.id))).all())


async def _stands_for(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> UUID:
    """The survivor of a merged patient, else the patient. A statement of its own: joined to itself, a table whose statistics are
    old goes through all of a clinic for each of its patients (4 s for a clinic of 4,000)."""
    query = select(patients.c.merged_into).where(patients.c.clinic_id == clinic_id, patients.c.id == id_)
    return (await sql.scalars(query)).one_or_none() or id_


async def add(connection: Connection, new: Sequence[Patient]) -> None:
    """Writes new patients. One statement."""
    await connection.execute(ADD, *([getattr(patient, column) for patient in new] for column in _TYPES))


async def change(sql: AsyncConnection, patient: Patient) -> None:
    """Writes a locked patient as it is now."""
    mine = (patients.c.clinic_id == patient.clinic_id, patients.c.id == patient.id)
    await sql.execute(update(patients).where(*mine).values(vars(patient)))


async def find(sql: AsyncConnection, clinic_id: UUID, wanted: Wanted, limit: int) -> list[Patient]:
    """At most `limit` active patients in order of name."""
    query = select(*_COLUMNS).where(patients.c.clinic_id == clinic_id, patients.c.status == Active.ACTIVE)
    for column, index in ((patients.c.phone_index, wanted.phone_index), (patients.c.nhs_index, wanted.nhs_index)):
        query = query if index is None else query.where(column == index)
    begins = [(" " + patients.c.name_key).contains(f" {word}", autoescape=True) for word in wanted.words]
    order = (patients.c.name_key, patients.c.id)
    if wanted.after is not None:
        last = select(*(_asked.c[column.name] for column in order)).where(_asked.c.clinic_id == clinic_id)
        query = query.where(tuple_(*order) > last.where(_asked.c.id == wanted.after).scalar_subquery())
    rows = await sql.execute(query.where(*begins).order_by(*order).limit(limit))
    return [_patient(row) for row in rows.mappings()]


def _patient(row: Any) -> Patient:
    return Patient(**{**row, "status": Active(row["status"])})
