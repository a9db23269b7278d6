"""Patients: locked by batches on asyncpg, registered and read over HTTP on SQLAlchemy. What identifies them comes sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import and_, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import outcomes, patients
from shared.contracts.registry import Active
from shared.infra.errors import Outrun
from shared.infra.postgres import Connection

# Who was merged stands for the survivor, and the survivor's row is the one that is locked. Of a row that another transaction has
# changed meanwhile the newest version is given, so a merge that came in between shows in `merged_into`. The settings ride along:
# one round trip less for each batch.
_LOCK = """
SELECT asked.clinic_id, asked.id AS asked_id, patients.id, patients.status, patients.merged_into, patients.version,
       coalesce((clinic_settings.settings ->> 'one_booking_per_patient_day')::boolean, false) AS one_booking_a_day
FROM unnest($1::uuid[], $2::uuid[]) AS named(clinic_id, id) JOIN patients AS asked USING (clinic_id, id)
JOIN patients ON patients.clinic_id = asked.clinic_id AND patients.id = coalesce(asked.merged_into, asked.id)
LEFT JOIN clinic_settings ON clinic_settings.clinic_id = asked.clinic_id
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
LOOKS_MAX = 3
"""So often a lock is asked for whom rival merges keep changing. Then the transaction begins again."""
# The keys come sorted: two calls that want the same locks want them in the same order.
SERIALISE = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"


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


@dataclass(frozen=True)
class Patient:
    """A patient's row; phone and date of birth are sealed."""

    clinic_id: UUID
    id: UUID
    name: str
    name_key: str
    phone: bytes
    phone_index: bytes
    date_of_birth: bytes | None
    status: Active
    version: int
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True)
class Answered:
    """What the key of a registration was answered before."""

    body_hash: str
    status_code: int
    patient_id: UUID


_COLUMNS = [patients.c[name] for name in Patient.__dataclass_fields__]
_asked = patients.alias("asked")
_survivor = func.coalesce(_asked.c.merged_into, _asked.c.id)


async def lock(connection: Connection, keys: Collection[Key], statement: str = LOCK) -> dict[Key, Locked]:
    """Locks the patients that (clinic, id) stand for, in the order of their ids; who was merged stands for the survivor.

    One statement, whatever is asked. If merges ended while it waited, one more for those that they have merged.
    """
    found: dict[Key, Locked] = {}
    left = list(keys)
    for _ in range(LOOKS_MAX):
        rows = await connection.fetch(statement, [clinic for clinic, _ in left], [id_ for _, id_ in left])
        found |= {(row["clinic_id"], row["asked_id"]): _locked(row) for row in rows if row["merged_into"] is None}
        left = [(row["clinic_id"], row["asked_id"]) for row in rows if row["merged_into"] is not None]
        if not left:
            return found
    raise Outrun


def _locked(row: Any) -> Locked:
    return Locked(row["id"], Active(row["status"]), row["version"], row["one_booking_a_day"])


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


async def serialise(connection: Connection, keys: Sequence[bytes]) -> None:
    """Waits until no other transaction registers under any of these keys; the locks end with the transaction."""
    await connection.execute(SERIALISE, sorted(int.from_bytes(key[:8], signed=True) for key in keys))


async def with_phone(sql: AsyncConnection, clinic_id: UUID, phone_index: bytes) -> list[Patient]:
    """The active patients with a phone number, the oldest first."""
    theirs = (patients.c.clinic_id == clinic_id, patients.c.phone_index == phone_index, patients.c.status == Active.ACTIVE)
    rows = await sql.execute(select(*_COLUMNS).where(*theirs).order_by(patients.c.created_at, patients.c.id))
    return [Patient(**row) for row in rows.mappings()]


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Patient | None:
    """One patient, if it is there for this clinic; a deleted one too. Who was merged stands for the survivor."""
    query = select(*_COLUMNS).join(_asked, and_(_asked.c.clinic_id == patients.c.clinic_id, _survivor == patients.c.id))
    row = (await sql.execute(query.where(_asked.c.clinic_id == clinic_id, _asked.c.id == id_))).mappings().one_or_none()
    return None if row is None else Patient(**row)


async def one_person(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> list[UUID]:
    """The ids under which a patient's appointments are kept: the survivor's, and of all who were merged into it."""
    query = select(patients.c.id).where(patients.c.clinic_id == clinic_id, _asked.c.clinic_id == clinic_id, _asked.c.id == id_)
    theirs = or_(patients.c.id == _survivor, patients.c.merged_into == _survivor)
    return list((await sql.scalars(query.where(theirs).order_by(patients.c.id))).all())


async def add(sql: AsyncConnection, patient: Patient) -> None:
    """Writes a new patient."""
    await sql.execute(insert(patients).values(vars(patient)))


async def answered(sql: AsyncConnection, clinic_id: UUID, command_id: UUID) -> Answered | None:
    """The stored answer of a registration, if its key was used before."""
    mine = (outcomes.c.clinic_id == clinic_id, outcomes.c.command_id == command_id)
    query = select(outcomes.c.body_hash, outcomes.c.status_code, outcomes.c.result).where(*mine)
    row = (await sql.execute(query)).one_or_none()
    return None if row is None else Answered(row.body_hash, row.status_code, UUID(row.result["id"]))
