"""Which commands an id names: a command id, an appointment's or another subject's id, a Request-Id, or an idempotency key."""

import itertools
from dataclasses import dataclass
from uuid import UUID

from deploy.inspect.explain.evidence import Stores, uuid_of
from shared.infra import ids

PRINCIPALS = ("open",)
"""Whose keys are tried: while access is open there is only one."""
OPERATIONS = (
    "create_appointment", "confirm_appointment", "reschedule_appointment", "cancel_appointment", "create_checkin",
    "create_doctor", "create_patient", "set_availability", "merge_patients", "create_category",
    "create_price_range", "create_exception", "displace_appointments",
)  # fmt: skip
"""The scopes of idempotency keys; a test holds them to what the gateway declares."""

OF_COMMAND = """
SELECT DISTINCT clinic_id, command_id FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id = ANY($2::uuid[])
"""
OF_SUBJECT = """
SELECT command_id FROM audit WHERE clinic_id = ANY($1::uuid[]) AND subject_id = $2 AND command_id IS NOT NULL
GROUP BY command_id ORDER BY min(at) LIMIT $3
"""
# No index: a look that finds nothing by the others may take its time, the reader's statement timeout bounds it.
OF_REQUEST = """
SELECT command_id FROM audit WHERE correlation_id = $1 AND command_id IS NOT NULL GROUP BY command_id ORDER BY min(at) LIMIT $2
"""
DECIDED = "SELECT command_id FROM outcomes WHERE clinic_id = ANY($1::uuid[]) AND command_id = ANY($2::uuid[])"
MAX_COMMANDS = 20
"""So many commands of one subject are told; the newest are left out, the first explain how it came to be."""


@dataclass(frozen=True)
class Named:
    """What an id may name before the log is read: these commands, or whatever carries it in the log."""

    text: str
    commands: tuple[UUID, ...]


async def commands_of(stores: Stores, text: str) -> Named:
    """The commands that the stores know by this id. None: it may still be in the log, if it is an id of a command or request."""
    asked = uuid_of(text)
    candidates = ([asked] if asked else []) + _of_key(stores, text)
    found = await _decided_or_told(stores, candidates)
    if not found and asked:
        found = await _column(stores, OF_SUBJECT, stores.clinics, asked, MAX_COMMANDS)
    if not found:
        found = await _column(stores, OF_REQUEST, text, MAX_COMMANDS)
    return Named(text, tuple(dict.fromkeys(found)) or tuple(candidates))


def _of_key(stores: Stores, key: str) -> list[UUID]:
    """The ids of the commands that a client would have sent with this idempotency key."""
    scopes = itertools.product(stores.clinics, PRINCIPALS, OPERATIONS)
    return [ids.command_id(clinic, principal, operation, key) for clinic, principal, operation in scopes]


async def _decided_or_told(stores: Stores, candidates: list[UUID]) -> list[UUID]:
    told = await _column(stores, "SELECT command_id FROM (" + OF_COMMAND + ") AS told", stores.clinics, candidates)
    decided = [
        row["command_id"]
        for service in ("availability", "booking")
        for row in await stores.of[service].fetch(DECIDED, stores.clinics, candidates)
    ]
    return [*decided, *told]


async def _column(stores: Stores, sql: str, *arguments: object) -> list[UUID]:
    """The command ids that a statement finds in the audit trails."""
    return [row["command_id"] for connection in stores.audited for row in await connection.fetch(sql, *arguments)]
