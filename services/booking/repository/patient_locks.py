"""The locks of patients, on asyncpg. Whoever takes several takes them in one order, so that no two wait for each other.

Bookings, changes, deletes and merges lock the patient's row; registrations, changes and imports lock what a patient is found by,
before there is a row. A merged patient stands for the survivor.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from services.booking.domain.keys import RowKey
from shared.contracts.clinics import ClinicSettings
from shared.contracts.shapes import Active
from shared.infra.arrays import columns
from shared.infra.errors import Outrun, UnknownClinic
from shared.infra.postgres import Connection

# Of a row that another transaction has changed meanwhile the newest version is given, so a merge that came in between shows in
# `merged_into`. It is not joined with the survivors: before the table has statistics that reads all of a clinic for each patient.
# The settings come with the rows: one statement less for each batch.
_LOCK = """
SELECT patients.clinic_id, patients.id, patients.status, patients.merged_into, patients.version,
       coalesce((clinic_settings.settings ->> 'one_booking_per_patient_day')::boolean, false) AS one_booking_a_day,
       (clinic_settings.settings ->> 'hold_ttl_seconds')::int AS hold_ttl_seconds,
       clinic_settings.clinic_id IS NOT NULL AS heard_of
FROM patients JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id)
LEFT JOIN clinic_settings ON clinic_settings.clinic_id = patients.clinic_id
ORDER BY patients.id FOR {strength} OF patients
"""
LOCK = _LOCK.format(strength="NO KEY UPDATE")
"""Serialises the bookings of a patient, and lets foreign keys pass."""
LOCK_TO_END = _LOCK.format(strength="UPDATE")
"""Lets no foreign key pass either: nothing new may point to a patient who is deleted or merged."""
SURVIVORS = """
SELECT patients.clinic_id, patients.id, patients.merged_into
FROM patients JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, id) USING (clinic_id, id) WHERE merged_into IS NOT NULL
"""
# The numbers come sorted: two calls that want the same locks want them in the same order. An import locks the whole clinic: a
# lock for each of its lines would be more than a server has room for.
LOCK_INDEXES = """
SELECT pg_advisory_xact_lock_shared(hashtextextended('patients:' || $1::text, 0))
UNION ALL SELECT pg_advisory_xact_lock(key) FROM unnest($2::bigint[]) AS key
"""
LOCK_CLINIC = "SELECT pg_advisory_xact_lock(hashtextextended('patients:' || $1::text, 0))"
ROUNDS_MAX = 3
"""The patients, their survivors, and once more if a rival merge came in between. Then the transaction begins again."""
DEFAULTS = ClinicSettings()


@dataclass(frozen=True)
class LockedPatient:
    """A locked patient: the one that was asked for, or the survivor of its merge."""

    id: UUID
    status: Active
    version: int
    one_booking_a_day: bool
    """Whether the clinic allows one booking of a doctor's day only."""
    hold_ttl: timedelta
    """How long the clinic holds a slot that is not confirmed."""


async def lock(connection: Connection, keys: Collection[RowKey], statement: str = LOCK) -> dict[RowKey, LockedPatient]:
    """Locks the patients that (clinic, id) stand for, in the order of their ids; a merged patient's key gives the survivor.

    One statement, whatever is asked, and one more for the survivors if somebody was merged. Raises `Outrun` where merges go on
    beside it, `UnknownClinic` where the settings have not arrived.
    """
    rows: dict[RowKey, Any] = {}
    asked: set[RowKey] = set()
    left = set(keys)
    for _ in range(ROUNDS_MAX):
        found = await connection.fetch(statement, *columns(left, 2))
        rows |= {(row["clinic_id"], row["id"]): row for row in found}
        asked |= left
        ends = {key: _survivor_of(key, rows) for key in keys}
        left = set(ends.values()) - asked
        if not left:
            return {key: _locked(rows[end]) for key, end in ends.items() if end in rows}
    raise Outrun


def _survivor_of(key: RowKey, rows: Mapping[RowKey, Any]) -> RowKey:
    """Whom a patient stands for, as far as the rows tell."""
    row = rows.get(key)
    return key if row is None or row["merged_into"] is None else _survivor_of((key[0], row["merged_into"]), rows)


def _locked(row: Any) -> LockedPatient:
    if not row["heard_of"]:
        raise UnknownClinic(str(row["clinic_id"]))
    hold_ttl = timedelta(seconds=row["hold_ttl_seconds"] or DEFAULTS.hold_ttl_seconds)
    return LockedPatient(row["id"], Active(row["status"]), row["version"], row["one_booking_a_day"], hold_ttl)


async def survivors(connection: Connection, keys: Collection[RowKey]) -> dict[RowKey, UUID]:
    """The survivors of those of the patients that were merged. Locks nobody."""
    rows = await connection.fetch(SURVIVORS, *columns(keys, 2))
    return {(row["clinic_id"], row["id"]): row["merged_into"] for row in rows}


async def lock_indexes(connection: Connection, clinic_id: UUID, indexes: Collection[bytes]) -> None:
    """Waits until no other transaction registers or changes a patient with one of these blind indexes."""
    numbers = sorted(int.from_bytes(index[:8], signed=True) for index in indexes)
    await connection.execute(LOCK_INDEXES, str(clinic_id), numbers)


async def lock_clinic(connection: Connection, clinic_id: UUID) -> None:
    """Waits until no other transaction registers or changes patients of the clinic."""
    await connection.execute(LOCK_CLINIC, str(clinic_id))
