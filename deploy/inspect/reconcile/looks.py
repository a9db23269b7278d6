"""What each service holds of the same things, read in one snapshot of each database. All SQL of reconcile is here."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy.databases import SERVICES
from deploy.inspect.read_only import Connection, snapshot

Rows = list[dict[str, Any]]

IN_SCOPE = "($1::uuid IS NULL OR clinic_id = $1) AND date >= $2"
# Revoked is what lay ahead of a doctor at the time of the delete, on the date where it takes place.
SLOTS = f"""
SELECT clinic_id, slots.id AS slot_id, number, doctor_id, date, reservation_id, appointment_id, starts_at, ends_at,
       doctors.status = 'deleted'
       AND date >= (doctors.updated_at AT TIME ZONE coalesce(slots.time_zone, days.time_zone))::date AS revoked
FROM slots JOIN days USING (clinic_id, doctor_id, date)
JOIN (SELECT clinic_id, id AS doctor_id, status, updated_at FROM doctors) AS doctors USING (clinic_id, doctor_id)
WHERE state = 'taken' AND {IN_SCOPE}
"""
APPOINTMENTS = f"""
SELECT clinic_id, id AS appointment_id, status, slot_id, slot_number, reservation_id, doctor_id, patient_id, date,
       starts_at, ends_at, expires_at, command_id, created_at
FROM appointments WHERE {IN_SCOPE}
"""
ENTRIES = f"""
SELECT clinic_id, id AS entry_id, appointment_id, doctor_id, patient_id, date, position FROM entries WHERE {IN_SCOPE}
"""
QUEUE_DAYS = f"SELECT clinic_id, doctor_id, date, last_position FROM queue_days WHERE {IN_SCOPE}"
# Of the past only what is still to be settled matters, and of the rest what an appointment of the dates in scope names.
UNSETTLED = """
SELECT clinic_id, command_id, type, decided_at FROM outcomes
WHERE ($1::uuid IS NULL OR clinic_id = $1) AND settled_at IS NULL AND decided_at < clock_timestamp() - make_interval(secs => $2)
"""
# The appointment may have been moved since then, also out of the dates in scope.
DECIDED = """
SELECT clinic_id, command_id, code, result ->> 'id' AS appointment_id, EXISTS (
         SELECT FROM appointments
         WHERE appointments.clinic_id = outcomes.clinic_id AND appointments.id = (outcomes.result ->> 'id')::uuid) AS found
FROM outcomes
WHERE ($1::uuid IS NULL OR clinic_id = $1) AND type IN ('BookAppointment', 'RescheduleAppointment')
  AND (code IS NOT NULL OR (result ->> 'date')::date >= $2)
"""
OVERDUE_HOLDS = """
SELECT clinic_id, id AS appointment_id, expires_at FROM appointments
WHERE ($1::uuid IS NULL OR clinic_id = $1) AND status = 'pending' AND expires_at < clock_timestamp() - make_interval(secs => $2)
"""
UNACKNOWLEDGED = """
SELECT clinic_id, reservation_id, due_at FROM unacknowledged
WHERE ($1::uuid IS NULL OR clinic_id = $1) AND due_at < clock_timestamp() - make_interval(secs => $2)
"""
UNPUBLISHED = """
SELECT clinic_id, doctor_id, due_at FROM publications
WHERE ($1::uuid IS NULL OR clinic_id = $1) AND due_at < clock_timestamp() - make_interval(secs => $2)
"""
OUTBOX = """
SELECT count(*) AS messages, min(created_at) AS oldest FROM outbox
WHERE created_at < clock_timestamp() - make_interval(secs => $1) HAVING count(*) > 0
"""
SETTINGS = "SELECT clinic_id, version FROM clinic_settings WHERE $1::uuid IS NULL OR clinic_id = $1"
CLINICS = "SELECT id AS clinic_id, version, announced_version FROM clinics WHERE $1::uuid IS NULL OR id = $1"


@dataclass(frozen=True)
class Scope:
    """What is compared: one clinic or all, dates from one on, and how old what is under way has to be to count."""

    clinic: UUID | None
    since: dt.date
    older_than_seconds: float


@dataclass(frozen=True)
class World:
    """What all services hold, each at an instant of its own."""

    slots: Rows
    unacknowledged: Rows
    unpublished: Rows
    appointments: Rows
    decided: Rows
    overdue_holds: Rows
    unsettled: Rows
    entries: Rows
    queue_days: Rows
    outboxes: dict[str, Rows]
    settings: dict[str, Rows]
    clinics: Rows

    def counts(self) -> dict[str, int]:
        """How much was looked at: a comparison of nothing finds nothing."""
        names = ("slots", "appointments", "entries", "decided", "clinics")
        return {name: len(getattr(self, name)) for name in names}


async def look(scope: Scope) -> World:
    """In the order of a booking's way: what was on it at one look has most likely arrived at the next."""
    dated, old = (scope.clinic, scope.since), (scope.clinic, scope.older_than_seconds)
    found: dict[str, Any] = {"outboxes": {}, "settings": {}}
    async with snapshot("availability") as sql:
        found |= {"slots": await _rows(sql, SLOTS, *dated), "unacknowledged": await _rows(sql, UNACKNOWLEDGED, *old)}
        found["unpublished"] = await _rows(sql, UNPUBLISHED, *old)
        await _common(sql, "availability", scope, found)
    async with snapshot("booking") as sql:
        found |= {"appointments": await _rows(sql, APPOINTMENTS, *dated), "decided": await _rows(sql, DECIDED, *dated)}
        found |= {"unsettled": await _rows(sql, UNSETTLED, *old), "overdue_holds": await _rows(sql, OVERDUE_HOLDS, *old)}
        await _common(sql, "booking", scope, found)
    async with snapshot("queue") as sql:
        found |= {"entries": await _rows(sql, ENTRIES, *dated), "queue_days": await _rows(sql, QUEUE_DAYS, *dated)}
        await _common(sql, "queue", scope, found)
    async with snapshot("gateway") as sql:
        found["clinics"] = await _rows(sql, CLINICS, scope.clinic)
        found["outboxes"]["gateway"] = await _rows(sql, OUTBOX, scope.older_than_seconds)
    assert found["outboxes"].keys() == set(SERVICES)
    return World(**found)


async def _rows(sql: Connection, statement: str, *arguments: object) -> Rows:
    return [dict(row) for row in await sql.fetch(statement, *arguments)]


async def _common(sql: Connection, service: str, scope: Scope, found: dict[str, Any]) -> None:
    """What every owner of data has."""
    found["outboxes"][service] = await _rows(sql, OUTBOX, scope.older_than_seconds)
    found["settings"][service] = await _rows(sql, SETTINGS, scope.clinic)
