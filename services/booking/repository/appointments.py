"""Appointments as batches lock and write them, on asyncpg: a statement each, whatever the size of the batch.

Rows are locked in the order of their ids, after the patients of the batch: one global order, so that batches never deadlock.
Called by `service/` inside its unit of work. What is read over HTTP: `appointment_search.py`.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.booking.domain.appointments import Appointment, ReservedSlot
from services.booking.domain.keys import RowKey
from shared.contracts.appointments import LIVE, Reason, Status
from shared.contracts.later_values import value_of
from shared.infra.arrays import columns
from shared.infra.errors import UnknownClinic
from shared.infra.postgres import Connection

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
# The statement that locks may also read: of a locked row Postgres gives the newest version, whoever it had to wait for. The clock
# is read outside of what locks, or it would be read before the wait. The settings come with the rows: one statement less.
LOCK = """
WITH locked AS MATERIALIZED (
    SELECT appointments.* FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
    ORDER BY appointments.id FOR UPDATE OF appointments
)
SELECT locked.*, clock_timestamp() AS locked_at,
       coalesce((clinic_settings.settings ->> 'cancel_cutoff_minutes')::int, 0) AS cutoff_minutes,
       clinic_settings.clinic_id IS NOT NULL AS heard_of
FROM locked LEFT JOIN clinic_settings ON clinic_settings.clinic_id = locked.clinic_id
"""
# Waits for nobody: its callers hold other locks already, in an order that this one does not keep.
TRY_LOCK = """
SELECT appointments.* FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
ORDER BY appointments.id FOR UPDATE OF appointments SKIP LOCKED
"""
# Two days to each side: zones are up to 26 hours apart, so two appointments that overlap may have local dates with one between
# them. Holds count whatever their date.
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
# The patients are locked by now: an appointment that ends meanwhile is left out, and a new one cannot come.
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
FIND = "SELECT appointments.* FROM appointments JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)"
_CHANGED = ("clinic_id", "id", "status", "version", "expires_at", "cancel_reason", "updated_at")
CHANGE = """
UPDATE appointments SET status = changed.status, version = changed.version, expires_at = changed.expires_at,
                        cancel_reason = changed.cancel_reason, updated_at = changed.updated_at
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::timestamptz[], $6::text[], $7::timestamptz[])
     AS changed(clinic_id, id, status, version, expires_at, cancel_reason, updated_at)
WHERE appointments.clinic_id = changed.clinic_id AND appointments.id = changed.id
"""
# Of one patient there is at most one in the statement: the constraints judge each row by itself, so two that change places would
# meet each other.
_PLACE = (*ReservedSlot.__annotations__, "exclusive_day", "version", "updated_at")
_MOVED = ("clinic_id", "id", *_PLACE)
MOVE = f"""
UPDATE appointments SET {", ".join(f"{column} = moved.{column}" for column in _PLACE)}
FROM unnest({", ".join(f"${place}::{_TYPES[column]}[]" for place, column in enumerate(_MOVED, 1))}) AS moved({", ".join(_MOVED)})
WHERE appointments.clinic_id = moved.clinic_id AND appointments.id = moved.id
"""


@dataclass(frozen=True)
class LockedAppointments:
    """Appointments as they are under their locks, their clinics' cut-offs, and the database's clock read behind the locks."""

    at: datetime
    found: Mapping[RowKey, Appointment] = field(default_factory=dict)
    cutoffs: Mapping[UUID, timedelta] = field(default_factory=dict)
    """How long before its start an appointment can no longer be cancelled or moved by its patient, by clinic."""


async def insert(connection: Connection, booked: Sequence[Appointment]) -> None:
    """Writes new appointments."""
    await connection.execute(INSERT, *_values(booked, tuple(_TYPES)))


async def lock(connection: Connection, keys: Collection[RowKey], now: datetime) -> LockedAppointments:
    """Locks the appointments that exist, and gives them as they are then; `now` is the transaction's time so far.

    Raises `UnknownClinic` where the settings have not arrived.
    """
    rows = await connection.fetch(LOCK, *columns(keys, 2))
    if unknown := next((row["clinic_id"] for row in rows if not row["heard_of"]), None):
        raise UnknownClinic(str(unknown))
    found = [_locked(row) for row in rows]
    cutoffs = {row["clinic_id"]: timedelta(minutes=row["cutoff_minutes"]) for row in rows}
    at = max([now, *(row["locked_at"] for row in rows)])
    return LockedAppointments(at, {appointment.key: appointment for appointment in found}, cutoffs)


async def try_lock(connection: Connection, keys: Collection[RowKey]) -> list[Appointment]:
    """Locks those of the appointments that nobody else has locked, without waiting, and gives them as they are then."""
    return [_locked(row) for row in await connection.fetch(TRY_LOCK, *columns(keys, 2))]


async def lock_live(connection: Connection, clinic_id: UUID, patient_ids: Collection[UUID]) -> list[Appointment]:
    """Locks the live appointments of locked patients, in the order of their ids."""
    return [_locked(row) for row in await connection.fetch(LOCK_LIVE, clinic_id, list(patient_ids))]


async def live_around(connection: Connection, wanted: Sequence[Appointment]) -> list[Appointment]:
    """The live appointments that wanted ones of these patients can collide with: around their dates, and all holds for a hold.

    Their patients are locked by now.
    """
    dates = columns([(*one.patient_key, one.date) for one in wanted], 3)
    holding = columns([one.patient_key for one in wanted if one.status is Status.PENDING], 2)
    return [appointment_of_row(row) for row in await connection.fetch(LIVE_AROUND, *dates, *holding)]


async def held(connection: Connection, reservations: Collection[tuple[UUID, UUID]]) -> set[UUID]:
    """The ids of those (clinic, reservation) that a live appointment holds."""
    return {row["reservation_id"] for row in await connection.fetch(HELD, *columns(reservations, 2))}


async def find(connection: Connection, keys: Collection[RowKey]) -> dict[RowKey, Appointment]:
    """Those of the appointments that there are, as they are now; nobody is kept from changing them."""
    found = [appointment_of_row(row) for row in await connection.fetch(FIND, *columns(keys, 2))]
    return {one.key: one for one in found}


async def change(connection: Connection, changed: Sequence[Appointment]) -> None:
    """Writes the final states of locked appointments."""
    await connection.execute(CHANGE, *_values(changed, _CHANGED))


async def move(connection: Connection, moved: Sequence[Appointment]) -> None:
    """Writes the new slots of locked appointments: of a patient one at a time."""
    await connection.execute(MOVE, *_values(moved, _MOVED))


async def reassign(connection: Connection, clinic_id: UUID, ids: Collection[UUID], patient_id: UUID, now: datetime) -> None:
    """Gives locked appointments to another patient."""
    await connection.execute(REASSIGN, clinic_id, list(ids), patient_id, now)


def _values(appointments: Sequence[Appointment], names: Sequence[str]) -> list[list[Any]]:
    """These columns of the appointments, an array each."""
    return [[getattr(one, name) for one in appointments] for name in names]


def _locked(row: Any) -> Appointment:
    """The appointment of a row that is to be changed. Raises `ValueError` for a status that this release does not know."""
    Status(row["status"])
    return appointment_of_row(row)


def appointment_of_row(row: Any) -> Appointment:
    """The appointment of a row, of either driver, to be shown: a newer release may have written its status."""
    reason = row["cancel_reason"]
    fields = {column: row[column] for column in _TYPES}
    status = value_of(Status, row["status"])
    return Appointment(**{**fields, "status": status, "cancel_reason": value_of(Reason, reason) if reason else None})
