"""Registry calls that a client may repeat: the answer of a key is kept in the transaction of its effect, and given again.

A refusal is not kept: it changed nothing, and its repeat is judged anew. Used by the registry calls of availability and booking.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar
from uuid import UUID, uuid5

from pydantic import BaseModel

from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.infra import outcomes
from shared.infra.caller import Caller
from shared.infra.postgres import Connection
from shared.infra.problems import ProblemError
from shared.infra.unit import RegistryUnit

B = TypeVar("B", bound=BaseModel)

SERIALISE = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))"


async def serialise(connection: Connection, what: str) -> None:
    """Waits for other transactions at the same thing, so that the second sees what the first wrote. Goes before any look."""
    await connection.execute(SERIALISE, what)


async def stored_answer(unit: RegistryUnit, caller: Caller, body_hash: str) -> Answer | None:
    """What the caller's key was answered before, if it is a repeat. Raises `key_reused` for the key of another request.

    Waits for a call under the same key, but not longer than the caller.
    """
    if caller.command_id is None:
        return None
    await serialise(unit.connection, f"command:{caller.command_id}")
    await unit.bound_waits()
    found = await outcomes.look(unit.connection, [(caller.clinic_id, caller.command_id)])
    for outcome in found.values():
        if outcome.body_hash != body_hash:
            raise ProblemError(Code.KEY_REUSED)
        return outcome.answer
    return None


def id_of(unit: RegistryUnit, caller: Caller, noun: str) -> UUID:
    """The id of what a call makes. It comes from the key: a repeat that slipped past everything else would meet the same row."""
    return uuid5(caller.command_id, noun) if caller.command_id else unit.new_id()


def refuse_used_up(found: object | None) -> None:
    """Raises `key_reused` if the row of the caller's key is there: its answer is forgotten by now, what it made is not."""
    if found is not None:
        raise ProblemError(Code.KEY_REUSED)


@dataclass(frozen=True)
class Done(Generic[B]):
    """What a registry call is answered: the HTTP status, the body, and whether its key was answered so before."""

    status_code: int
    body: B
    replayed: bool = False


@dataclass(frozen=True)
class Kept(Generic[B]):
    """How an answer is kept for repeats of its key, and made again out of that."""

    keep: Callable[[B], dict[str, Any]]
    read: Callable[[dict[str, Any]], Awaitable[B]]


def as_it_was(model: type[B]) -> Kept[B]:
    """A repeat is answered to the letter as the first call was."""

    async def read(result: dict[str, Any]) -> B:
        return model.model_validate(result)

    return Kept(lambda body: body.model_dump(mode="json", by_alias=True), read)


def as_it_is_now(read: Callable[[UUID], Awaitable[B]]) -> Kept[B]:
    """Only the id is kept, since the body says who somebody is: a repeat reads the row again."""

    async def read_again(result: dict[str, Any]) -> B:
        return await read(UUID(result["id"]))

    return Kept(lambda body: {"id": str(body.id)}, read_again)  # type: ignore[attr-defined]  # what can be read by id has one


async def once(
    unit: RegistryUnit, caller: Caller, command: str, body_hash: str, kept: Kept[B], make: Callable[[], Awaitable[Done[B]]]
) -> Done[B]:
    """Has the effect of a call once for each key: a repeat is answered again. Raises `key_reused` for the key of another request.

    The answer is kept in the transaction of the effect. A refusal of `make` is not kept.
    """
    stored = await stored_answer(unit, caller, body_hash)
    if stored is not None:
        assert stored.result is not None
        return Done(stored.status_code, await kept.read(stored.result), replayed=True)
    done = await make()
    await _keep_answer(unit, caller, command, body_hash, done.status_code, kept.keep(done.body))
    return done


async def _keep_answer(
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
