"""The audit trail: one row for every effect, written in the effect's transaction, never changed and never removed.

Who did what to what, when and why, in ids and codes only. Written by `Unit` at the end of its transaction; read by people and by
`frontdesk explain`. That rows are only ever appended the database enforces: by what the process is granted, and by a trigger.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol
from uuid import UUID

import orjson

from shared.contracts.problems import Code
from shared.infra.ids import NewId
from shared.infra.postgres import Connection

INSERT = """
INSERT INTO audit (id, clinic_id, at, action, subject_id, actor, principal, correlation_id, command_id, message_id, code, detail)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::text[], $5::uuid[], $6::text[], $7::text[], $8::text[],
                     $9::uuid[], $10::uuid[], $11::text[], $12::json[])
"""


SYSTEM = "system"
"""Who acts when nobody asked: a job, a deadline."""


class Action(StrEnum):
    """Every effect there is. The subject is what the first word names."""

    SLOT_TAKEN = "slot_taken"
    SLOT_FREED = "slot_freed"
    DAY_SET = "day_set"
    SLOT_REVOKED = "slot_revoked"
    DOCTOR_REGISTERED = "doctor_registered"
    DOCTOR_CHANGED = "doctor_changed"
    DOCTOR_DELETED = "doctor_deleted"
    CATEGORY_CHANGED = "category_changed"
    PRICE_RANGE_CHANGED = "price_range_changed"
    SCHEDULE_CHANGED = "schedule_changed"
    EXCEPTION_MADE = "exception_made"
    EXCEPTION_ENDED = "exception_ended"
    CLINIC_CHANGED = "clinic_changed"
    PATIENT_REGISTERED = "patient_registered"
    PATIENT_CHANGED = "patient_changed"
    PATIENT_DELETED = "patient_deleted"
    PATIENT_MERGED = "patient_merged"
    APPOINTMENT_BOOKED = "appointment_booked"
    APPOINTMENT_HELD = "appointment_held"
    APPOINTMENT_CONFIRMED = "appointment_confirmed"
    APPOINTMENT_EXPIRED = "appointment_expired"
    APPOINTMENT_MOVED = "appointment_moved"
    APPOINTMENT_CANCELLED = "appointment_cancelled"
    APPOINTMENT_CHECKED_IN = "appointment_checked_in"
    APPOINTMENT_REASSIGNED = "appointment_reassigned"
    COMMAND_REFUSED = "command_refused"
    COMMAND_CLOSED = "command_closed"
    ENTRY_QUEUED = "entry_queued"
    ENTRY_REASSIGNED = "entry_reassigned"


class Cause(Protocol):
    """Who stands behind an effect: the message that asked for it, or the caller of a request."""

    @property
    def clinic_id(self) -> UUID: ...
    @property
    def actor(self) -> str: ...
    @property
    def principal(self) -> str | None: ...
    @property
    def correlation_id(self) -> str: ...
    @property
    def command_id(self) -> UUID | None: ...


@dataclass(frozen=True)
class Effect:
    """One row to be. `detail` holds ids, numbers and dates that say more of the effect."""

    cause: Cause
    action: Action
    subject_id: UUID
    at: datetime
    code: Code | None = None
    detail: dict[str, Any] = field(default_factory=dict)


async def append(connection: Connection, entries: Sequence[Effect], new_id: NewId) -> None:
    """Writes the rows, whose ids `new_id` makes. One statement."""
    await connection.execute(
        INSERT,
        [new_id() for _ in entries],
        [entry.cause.clinic_id for entry in entries],
        [entry.at for entry in entries],
        [entry.action for entry in entries],
        [entry.subject_id for entry in entries],
        [entry.cause.actor for entry in entries],
        [entry.cause.principal for entry in entries],
        [entry.cause.correlation_id for entry in entries],
        [entry.cause.command_id for entry in entries],
        [getattr(entry.cause, "message_id", None) for entry in entries],
        [entry.code for entry in entries],
        # The driver's UUIDs are a class of their own, which the encoder does not know.
        [orjson.dumps(entry.detail, default=str).decode() if entry.detail else None for entry in entries],
    )
