"""Appointments: written and locked by batches on asyncpg, read and listed over HTTP on SQLAlchemy.

Rows are locked in the order of their ids, after the patients of the batch: one global order, so that batches never deadlock.
"""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, or_, select, tuple_
from sqlalchemy.ext.asyncio import AsyncConnection

from services.booking.domain import Appointment
from services.booking.models import appointments
from shared.contracts.appointments import LIVE, Reason, Status
from shared.infra.postgres import Connection

Key = tuple[UUID, UUID]
"""Clinic and id."""

_TYPES = {
    "clinic_id": "uuid",
    "id": "uuid",
    "doctor_id": "uuid",
    "patient_id": "uuid",
    "date": "date",
    "time_zone": "text",
    "slot_id": "uuid",
    "slot_number": "int",
    "reservation_id": "uuid",
    "location_id": "uuid",
    "starts_at": "timestamptz",
    "ends_at": "timestamptz",
    "status": "text",
    "expires_at": "timestamptz",
    "exclusive_day": "bool",
    "version": "bigint",
    "cancel_reason": "text",
    "created_at": "timestamptz",
    "updated_at": "timestamptz",
    "command_id": "uuid",
}
_LIVE = ", ".join(f"'{status}'" for status in LIVE)
_ARRAYS = ", ".join(f"${place}::{type_}[]" for place, type_ in enumerate(_TYPES.values(), 1))

INSERT = f"INSERT INTO appointments ({', '.join(_TYPES)}) SELECT * FROM unnest({_ARRAYS})"
# The lock may read what it locks: of the row itself it gives the newest version, whoever it had to wait for. The clock stands
# outside of what locks: inside it would be read before the wait. The settings ride along.
LOCK = """
WITH locked AS MATERIALIZED (
    SELECT appointments.* FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
    ORDER BY appointments.id FOR UPDATE OF appointments
)
SELECT locked.*, clock_timestamp() AS locked_at,
       coalesce((clinic_settings.settings ->> 'cancel_cutoff_minutes')::int, 0) AS cutoff_minutes
FROM locked LEFT JOIN clinic_settings ON clinic_settings.clinic_id = locked.clinic_id
"""
# Waits for nobody: to be taken by whoever has other locks already, in no order of theirs.
LOCK_UNLOCKED = """
SELECT appointments.* FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
ORDER BY appointments.id FOR UPDATE OF appointments SKIP LOCKED
"""
# Two days to each side: zones are up to 26 hours apart, so what overlaps may have local dates with one between them. Holds count
# whenever they are.
LIVE_AROUND = f"""
SELECT appointments.* FROM appointments
JOIN (SELECT DISTINCT * FROM unnest($1::uuid[], $2::uuid[], $3::date[]) AS asked(clinic_id, patient_id, around)) AS asked
  USING (clinic_id, patient_id)
WHERE date BETWEEN around - 2 AND around + 2 AND status IN ({_LIVE})
UNION
SELECT appointments.* FROM appointments
JOIN (SELECT DISTINCT * FROM unnest($4::uuid[], $5::uuid[]) AS holding(clinic_id, patient_id)) AS holding
  USING (clinic_id, patient_id)
WHERE status = 'pending'
"""
# Their patients are locked by now: what lives can end meanwhile, and is left out then, but nothing new can come.
LOCK_LIVE = f"""
SELECT * FROM appointments WHERE clinic_id = $1 AND patient_id = ANY($2) AND status IN ({_LIVE}) ORDER BY id FOR UPDATE
"""
REASSIGN = """
UPDATE appointments SET patient_id = $3, version = version + 1, updated_at = $4 WHERE clinic_id = $1 AND id = ANY($2)
"""
HELD = f"""
SELECT reservation_id FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, reservation_id)
  USING (clinic_id, reservation_id)
WHERE status IN ({_LIVE})
"""
CHANGE = """
UPDATE appointments SET status = changed.status, version = changed.version, expires_at = changed.expires_at,
                        cancel_reason = changed.cancel_reason, updated_at = changed.updated_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::text[], $7::timestamptz[])
     AS changed(clinic_id, id, status, version, expires_at, cancel_reason, updated_at)
WHERE appointments.clinic_id = changed.clinic_id AND appointments.id = changed.id
"""
# Of one patient there is at most one in the statement: two could pass each other, and the constraints look at each row by itself.
_PLACE = (
    "doctor_id", "date", "time_zone", "slot_id", "slot_number", "reservation_id", "location_id", "starts_at", "ends_at",
    "exclusive_day", "version", "updated_at",
)  # fmt: skip
_MOVED = ("clinic_id", "id", *_PLACE)
MOVE = f"""
UPDATE appointments SET {", ".join(f"{column} = moved.{column}" for column in _PLACE)}
FROM unnest({", ".join(f"${place}::{_TYPES[column]}[]" for place, column in enumerate(_MOVED, 1))}) AS moved({", ".join(_MOVED)})
WHERE appointments.clinic_id = moved.clinic_id AND appointments.id = moved.id
"""


@dataclass(frozen=True)
class Wanted:
    """What a list asks for; what is not set is not asked for. `after` is the place behind which the page begins."""

    patient_ids: Collection[UUID] | None = None
    doctor_id: UUID | None = None
    date: dt.date | None = None
    status: Status | None = None
    after: tuple[dt.date, int, UUID] | None = None


@dataclass(frozen=True)
class Locked:
    """Appointments as they are under their locks, their clinics' cut-offs, and the database's clock behind the locks."""

    found: dict[Key, Appointment]
    cutoffs: dict[UUID, timedelta]
    at: datetime


async def insert(connection: Connection, booked: Sequence[Appointment]) -> None:
    """Writes new appointments."""
    await connection.execute(INSERT, *([getattr(one, column) for one in booked] for column in _TYPES))


async def lock(connection: Connection, keys: Collection[Key], now: datetime) -> Locked:
    """Locks the appointments that exist, and gives them as they are then; `now` is the transaction's time so far."""
    rows = await connection.fetch(LOCK, [clinic for clinic, _ in keys], [id_ for _, id_ in keys])
    found = {(row["clinic_id"], row["id"]): _appointment(row) for row in rows}
    cutoffs = {row["clinic_id"]: timedelta(minutes=row["cutoff_minutes"]) for row in rows}
    return Locked(found, cutoffs, max([now, *(row["locked_at"] for row in rows)]))


async def lock_unlocked(connection: Connection, keys: Collection[Key]) -> list[Appointment]:
    """Locks those of the appointments that nobody else has locked, without waiting, and gives them as they are then."""
    rows = await connection.fetch(LOCK_UNLOCKED, [clinic for clinic, _ in keys], [id_ for _, id_ in keys])
    return [_appointment(row) for row in rows]


async def lock_live(connection: Connection, clinic_id: UUID, patient_ids: Collection[UUID]) -> list[Appointment]:
    """Locks what lives of locked patients, in the order of the ids."""
    return [_appointment(row) for row in await connection.fetch(LOCK_LIVE, clinic_id, list(patient_ids))]


async def live_around(connection: Connection, wanted: Sequence[Appointment]) -> list[Appointment]:
    """What the patients of new appointments have around these days, and all that those hold who want to hold one more.

    Their patients are locked by now.
    """
    holding = [one for one in wanted if one.status is Status.PENDING]
    rows = await connection.fetch(
        LIVE_AROUND,
        [one.clinic_id for one in wanted],
        [one.patient_id for one in wanted],
        [one.date for one in wanted],
        [one.clinic_id for one in holding],
        [one.patient_id for one in holding],
    )
    return [_appointment(row) for row in rows]


async def held(connection: Connection, reservations: Collection[Key]) -> set[UUID]:
    """Which of the reservations a live appointment holds."""
    rows = await connection.fetch(HELD, [clinic for clinic, _ in reservations], [id_ for _, id_ in reservations])
    return {row["reservation_id"] for row in rows}


async def change(connection: Connection, changed: Sequence[Appointment]) -> None:
    """Writes the final states of locked appointments."""
    columns = ("clinic_id", "id", "status", "version", "expires_at", "cancel_reason", "updated_at")
    await connection.execute(CHANGE, *([getattr(one, column) for one in changed] for column in columns))


async def move(connection: Connection, moved: Sequence[Appointment]) -> None:
    """Writes the new places of locked appointments: of a patient one at a time."""
    await connection.execute(MOVE, *([getattr(one, column) for one in moved] for column in _MOVED))


async def reassign(connection: Connection, clinic_id: UUID, ids: Collection[UUID], patient_id: UUID, now: datetime) -> None:
    """Gives locked appointments to another patient."""
    await connection.execute(REASSIGN, clinic_id, list(ids), patient_id, now)


async def get(sql: AsyncConnection, clinic_id: UUID, id_: UUID) -> Appointment | None:
    """One appointment, if it is there for this clinic."""
    mine = (appointments.c.clinic_id == clinic_id, appointments.c.id == id_)
    row = (await sql.execute(select(appointments).where(*mine))).mappings().one_or_none()
    return None if row is None else _appointment(row)


async def some(sql: AsyncConnection, clinic_id: UUID, ids: Collection[UUID]) -> list[Appointment]:
    """Those of the appointments that are there for this clinic, in order of date, number and id."""
    table = appointments.c
    query = select(appointments).where(table.clinic_id == clinic_id, table.id.in_(ids))
    rows = (await sql.execute(query.order_by(table.date, table.slot_number, table.id))).mappings()
    return [_appointment(row) for row in rows]


async def find(sql: AsyncConnection, clinic_id: UUID, wanted: Wanted, limit: int, now: datetime) -> list[Appointment]:
    """At most `limit` appointments in order of date, number and id."""
    table = appointments.c
    query = select(appointments).where(table.clinic_id == clinic_id)
    if wanted.patient_ids is not None:
        query = query.where(table.patient_id.in_(wanted.patient_ids))
    if wanted.status is not None:
        query = query.where(_has_status(wanted.status, now))
    for column in (table.doctor_id, table.date):
        value = getattr(wanted, column.name)
        query = query if value is None else query.where(column == value)
    order = (table.date, table.slot_number, table.id)
    if wanted.after is not None:
        query = query.where(tuple_(*order) > wanted.after)
    rows = (await sql.execute(query.order_by(*order).limit(limit))).mappings()
    return [_appointment(row) for row in rows]


def _has_status(status: Status, now: datetime) -> ColumnElement[bool]:
    """As `Appointment.status_at`: a hold that is over is expired, though nobody has written that down yet."""
    table = appointments.c
    if status is Status.PENDING:
        return and_(table.status == status, table.expires_at > now)
    if status is Status.EXPIRED:
        return or_(table.status == status, and_(table.status == Status.PENDING, table.expires_at <= now))
    return table.status == status


def _appointment(row: Any) -> Appointment:
    reason = row["cancel_reason"]
    fields = {column: row[column] for column in _TYPES}
    return Appointment(**{**fields, "status": Status(row["status"]), "cancel_reason": Reason(reason) if reason else None})
