"""Registry calls that a client may repeat: the answer of a key is kept in the transaction of its effect, and given again.

A refusal is not kept: it changed nothing, and its repeat is judged anew. Used by the registry calls of availability and booking.
"""

from typing import Any

from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.infra import outcomes
from shared.infra.caller import Caller
from shared.infra.postgres import Connection
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


async def serialise(connection: Connection, what: str) -> None:
    """Waits for other transactions at the same thing, so that the second sees what the first wrote. Goes before any look."""
    await connection.execute(SERIALISE, what)


async def stored_answer(unit: RegistryUnit, caller: Caller, body_hash: str) -> Answer | None:
    """What the caller's key was answered before, if it is a repeat. Raises `key_reused` for the key of another request."""
    if caller.command_id is None:
        return None
    await serialise(unit.connection, f"command:{caller.command_id}")
    found = await outcomes.look(unit.connection, [(caller.clinic_id, caller.command_id)])
    for outcome in found.values():
        if outcome.body_hash != body_hash:
            raise ProblemError(Code.KEY_REUSED)
        return outcome.answer
    return None


async def keep_answer(
    unit: RegistryUnit, caller: Caller, type_: str, body_hash: str, status_code: int, result: dict[str, Any]
) -> None:
    """Keeps the answer of a call for repeats of its key."""
    if caller.command_id is None:
        return
    outcome = Outcome(
        clinic_id=caller.clinic_id,
        command_id=caller.command_id,
        type=type_,
        principal=caller.principal,
        body_hash=body_hash,
        answer=Answer(status_code=status_code, result=result),
        accepted_at=unit.now,
        decided_at=unit.now,
        settled_at=unit.now,
    )
    await outcomes.decide(unit.connection, [outcome])
