"""Reads what each service holds of the same things, in one snapshot of each database. Has all SQL of `frontdesk reconcile`."""

import datetime as dt
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from deploy import installation
from deploy.addresses import Addresses
from deploy.inspect.snapshots import ReaderConnection, snapshot

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
# Outcomes of any date: one that is still to be settled matters however old it is.
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

DATED = {
    "availability": {"slots": SLOTS},
    "booking": {"appointments": APPOINTMENTS, "decided": DECIDED},
    "queue": {"entries": ENTRIES, "queue_days": QUEUE_DAYS},
}
"""By service what is compared from a date on; each statement takes a clinic and that date."""
OVERDUE = {
    "availability": {"unacknowledged": UNACKNOWLEDGED, "unpublished": UNPUBLISHED},
    "booking": {"unsettled": UNSETTLED, "overdue_holds": OVERDUE_HOLDS},
}
"""By service what should have ended by itself by now; each statement takes a clinic and a number of seconds."""


@dataclass(frozen=True)
class Scope:
    """What is compared: one clinic or all, dates from one on, and how old what is under way has to be to count."""

    clinic: UUID | None
    since: dt.date
    older_than_seconds: float


@dataclass(frozen=True)
class ComparedRows:
    """What all services hold, each at an instant of its own; outboxes and copies of the settings by service."""

    slots: Rows
    unacknowledged: Rows
    unpublished: Rows
    appointments: Rows
    decided: Rows
    overdue_holds: Rows
    unsettled: Rows
    entries: Rows
    queue_days: Rows
    clinics: Rows
    outboxes: dict[str, Rows]
    settings: dict[str, Rows]

    def counts(self) -> dict[str, int]:
        """How much was read: a comparison of nothing finds nothing."""
        names = ("slots", "appointments", "entries", "decided", "clinics")
        return {name: len(getattr(self, name)) for name in names}


async def read(addresses: Addresses, scope: Scope) -> ComparedRows:
    """In the order in which a booking passes through the services: what was under way at one has most likely come to the next."""
    rows: dict[str, Rows] = {}
    outboxes: dict[str, Rows] = {}
    settings: dict[str, Rows] = {}
    for spec in installation.SERVICES:
        async with snapshot(addresses, spec.name) as sql:
            for name, statement in DATED.get(spec.name, {}).items():
                rows[name] = await _rows(sql, statement, scope.clinic, scope.since)
            for name, statement in OVERDUE.get(spec.name, {}).items():
                rows[name] = await _rows(sql, statement, scope.clinic, scope.older_than_seconds)
            outboxes[spec.name] = await _rows(sql, OUTBOX, scope.older_than_seconds)
            if spec.copies_settings:
                settings[spec.name] = await _rows(sql, SETTINGS, scope.clinic)
            if spec.name == installation.GATEWAY:
                rows["clinics"] = await _rows(sql, CLINICS, scope.clinic)
    return ComparedRows(outboxes=outboxes, settings=settings, **rows)


async def _rows(sql: ReaderConnection, statement: str, *arguments: object) -> Rows:
    return [dict(row) for row in await sql.fetch(statement, *arguments)]
