"""Which commands an id may name: it is a command id, an appointment's or another subject's id, a Request-Id, or an
idempotency key."""

import itertools
from dataclasses import dataclass
from uuid import UUID

from deploy.inspect.explain.databases import Snapshots
from deploy.inspect.explain.trace import uuid_of
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
SELECT command_id FROM (
    SELECT DISTINCT clinic_id, command_id FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id = ANY($2::uuid[])
) AS audited
"""
OF_SUBJECT = """
SELECT command_id FROM audit WHERE clinic_id = ANY($1::uuid[]) AND subject_id = $2 AND command_id IS NOT NULL
GROUP BY command_id ORDER BY min(at) LIMIT $3
"""
# No index: this is run only if the others found nothing, and the reader's statement timeout bounds it.
OF_REQUEST = """
SELECT command_id FROM audit WHERE correlation_id = $1 AND command_id IS NOT NULL GROUP BY command_id ORDER BY min(at) LIMIT $2
"""
DECIDED = "SELECT command_id FROM outcomes WHERE clinic_id = ANY($1::uuid[]) AND command_id = ANY($2::uuid[])"
MAX_COMMANDS = 20
"""So many commands of one subject are shown; the newest are left out, the first explain how it came to be."""


@dataclass(frozen=True)
class CandidateCommands:
    """The commands that an id may name before the log is read. `text` is the id, which the log may carry for others, too."""

    text: str
    commands: tuple[UUID, ...]


async def candidates_of(snapshots: Snapshots, text: str) -> CandidateCommands:
    """The commands that the databases know by this id.

    If they know none, those that it would be the command id or the idempotency key of: the log may have them.
    """
    id_ = uuid_of(text)
    possible = ([id_] if id_ else []) + _of_key(snapshots, text)
    found = await _known(snapshots, possible)
    if not found and id_:
        found = await _audited(snapshots, OF_SUBJECT, snapshots.clinics, id_, MAX_COMMANDS)
    if not found:
        found = await _audited(snapshots, OF_REQUEST, text, MAX_COMMANDS)
    return CandidateCommands(text, tuple(dict.fromkeys(found)) or tuple(possible))


def _of_key(snapshots: Snapshots, key: str) -> list[UUID]:
    """The ids of the commands that a client would have sent with this idempotency key."""
    scopes = itertools.product(snapshots.clinics, PRINCIPALS, OPERATIONS)
    return [ids.command_id(clinic, principal, operation, key) for clinic, principal, operation in scopes]


async def _known(snapshots: Snapshots, possible: list[UUID]) -> list[UUID]:
    """Those of these commands that have an outcome or an effect."""
    audited = await _audited(snapshots, OF_COMMAND, snapshots.clinics, possible)
    decided = [
        row["command_id"] for _, sql in snapshots.outcome_holders for row in await sql.fetch(DECIDED, snapshots.clinics, possible)
    ]
    return [*decided, *audited]


async def _audited(snapshots: Snapshots, statement: str, *arguments: object) -> list[UUID]:
    """The command ids that a statement finds in the audit trails."""
    return [row["command_id"] for _, sql in snapshots.audited for row in await sql.fetch(statement, *arguments)]
