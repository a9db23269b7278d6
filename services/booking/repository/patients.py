"""Patients: locked by batches on asyncpg, registered and read over HTTP on SQLAlchemy. What identifies them comes sealed."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.models import outcomes, patients
from shared.contracts.registry import Active
from shared.infra.postgres import Connection

# Serialises the bookings of a patient and lets foreign keys pass. The settings ride along: one round trip less for each batch.
LOCK = """
SELECT patients.clinic_id, patients.id,
       coalesce((clinic_settings.settings ->> 'one_booking_per_patient_day')::boolean, false) AS one_booking_a_day
FROM patients JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
LEFT JOIN clinic_settings ON clinic_settings.clinic_id = patients.clinic_id
WHERE patients.status = 'active'
ORDER BY patients.id FOR NO KEY UPDATE OF patients
"""
# The keys come sorted: two calls that want the same locks want them in the same order.
SERIALISE = "SELECT pg_advisory_xact_lock(key) FROM unnest($1::bigint[]) AS key"


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


async def lock(connection: Connection, keys: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], bool]:
    """Locks those of (clinic, patient) that are active, and says of each whether its clinic allows one booking a day only."""
    rows = await connection.fetch(LOCK, [clinic for clinic, _ in keys], [id_ for _, id_ in keys])
    return {(row["clinic_id"], row["id"]): row["one_booking_a_day"] for row in rows}


async def serialise(connection: Connection, keys: Sequence[bytes]) -> None:
    """Waits until no other transaction registers under any of these keys; the locks end with the transaction."""
    await connection.execute(SERIALISE, sorted(int.from_bytes(key[:8], signed=True) for key in keys))


async def with_phone(sql: AsyncConnection, clinic_id: UUID, phone_index: bytes) -> list[Patient]:
    """The active patients with a phone number, the oldest first."""
    theirs = (patients.c.clinic_id == clinic_id, patients.c.phone_index == phone_index, patients.c.status == Active.ACTIVE)
    rows = await sql.execute(select(*_COLUMNS).where(*theirs).order_by(patients.c.created_at, patients.c.id))
    return [Patient(**row) for row in rows.mappings()]


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Patient | None:
    """One patient, if it is there for this clinic; a deleted one too."""
    mine = (patients.c.clinic_id == clinic_id, patients.c.id == id_)
    row = (await sql.execute(select(*_COLUMNS).where(*mine))).mappings().one_or_none()
    return None if row is None else Patient(**row)


async def add(sql: AsyncConnection, patient: Patient) -> None:
    """Writes a new patient."""
    await sql.execute(insert(patients).values(vars(patient)))


async def answered(sql: AsyncConnection, clinic_id: UUID, command_id: UUID) -> Answered | None:
    """The stored answer of a registration, if its key was used before."""
    mine = (outcomes.c.clinic_id == clinic_id, outcomes.c.command_id == command_id)
    query = select(outcomes.c.body_hash, outcomes.c.status_code, outcomes.c.result).where(*mine)
    row = (await sql.execute(query)).one_or_none()
    return None if row is None else Answered(row.body_hash, row.status_code, UUID(row.result["id"]))
