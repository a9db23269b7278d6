"""Outcomes of commands: decided once, settled once, looked up by gateways. The holder of an outcome never changes a decision."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import asyncpg
import orjson

from shared.contracts.commands import ANSWERED_DAYS, CLOSE_AFTER_SECONDS, Answer, Outcome, OverdueCommand
from shared.contracts.envelope import Message
from shared.contracts.later_values import value_of
from shared.contracts.problems import Code
from shared.infra.errors import Outrun
from shared.infra.postgres import Connection

# In one order in every process, so that two with commands in common wait for each other instead of deadlocking.
DECIDE = """
INSERT INTO outcomes (clinic_id, command_id, type, principal, body_hash, status_code, code, result,
                      accepted_at, decided_at, settled_at)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::text[], $8::json[],
                     $9::timestamptz[], $10::timestamptz[], $11::timestamptz[])
ORDER BY 1, 2
ON CONFLICT DO NOTHING
"""
# Judged by the clock that set the deadline, whatever the asker believes. What is so old that its outcome may be gone is left
# alone: it may well have succeeded.
CLOSE = """
INSERT INTO outcomes (clinic_id, command_id, type, principal, body_hash, status_code, code, accepted_at, decided_at, settled_at)
SELECT clinic_id, command_id, type, principal, body_hash, $8, $9, accepted_at, $10, $10
FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::timestamptz[], $7::timestamptz[])
     AS overdue(clinic_id, command_id, type, principal, body_hash, accepted_at, decide_by)
WHERE decide_by + make_interval(secs => $11) < $10 AND accepted_at > $10 - make_interval(days => $12)
ORDER BY clinic_id, command_id
ON CONFLICT DO NOTHING RETURNING clinic_id, command_id
"""
SETTLE = """
UPDATE outcomes SET settled_at = $5, status_code = coalesce(asked.status_code, outcomes.status_code),
                    result = coalesce(asked.result, outcomes.result)
FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::json[]) AS asked(clinic_id, command_id, status_code, result)
WHERE outcomes.clinic_id = asked.clinic_id AND outcomes.command_id = asked.command_id AND outcomes.settled_at IS NULL
"""
LOOK = """
SELECT outcomes.* FROM outcomes JOIN unnest($1::uuid[], $2::uuid[]) AS asked(clinic_id, command_id) USING (clinic_id, command_id)
"""


def outcome_of(command: Message, type_: str, answer: Answer, now: datetime, *, settled: bool) -> Outcome:
    """The outcome that a command's message, or the event that carries it on, is decided with."""
    assert command.command_id and command.principal is not None and command.body_hash and command.accepted_at
    return Outcome(
        clinic_id=command.clinic_id,
        command_id=command.command_id,
        type=type_,
        principal=command.principal,
        body_hash=command.body_hash,
        answer=answer,
        accepted_at=command.accepted_at,
        decided_at=now,
        settled_at=now if settled else None,
    )


async def decide(connection: Connection, outcomes: Sequence[Outcome]) -> None:
    """Stores decisions. One statement. Raises `Outrun` if a command has been decided since its outcome was looked for."""
    done = await connection.execute(
        DECIDE,
        [o.clinic_id for o in outcomes],
        [o.command_id for o in outcomes],
        [o.type for o in outcomes],
        [o.principal for o in outcomes],
        [o.body_hash for o in outcomes],
        [o.answer.status_code for o in outcomes],
        [o.answer.code for o in outcomes],
        [_json(o.answer) for o in outcomes],
        [o.accepted_at for o in outcomes],
        [o.decided_at for o in outcomes],
        [o.settled_at for o in outcomes],
    )
    if done != f"INSERT 0 {len(outcomes)}":
        raise Outrun


async def close(connection: Connection, overdue: Sequence[OverdueCommand], now: datetime) -> set[tuple[UUID, UUID]]:
    """Refuses as `lost` what has no outcome long after its deadline, and answers which (clinic, command) these were.

    One statement. Whoever is about to decide one of them meets the outcome, and tries again.
    """
    lost = Answer.refusal(Code.LOST)
    rows = await connection.fetch(
        CLOSE,
        [one.clinic_id for one in overdue],
        [one.command_id for one in overdue],
        [one.type for one in overdue],
        [one.principal for one in overdue],
        [one.body_hash for one in overdue],
        [one.accepted_at for one in overdue],
        [one.decide_by for one in overdue],
        lost.status_code,
        lost.code,
        now,
        CLOSE_AFTER_SECONDS,
        ANSWERED_DAYS,
    )
    return {(row["clinic_id"], row["command_id"]) for row in rows}


async def settle(connection: Connection, settled: Sequence[tuple[UUID, UUID, Answer | None]], now: datetime) -> None:
    """Settles decided outcomes, (clinic, command, the completed answer or None to keep it). One statement."""
    await connection.execute(
        SETTLE,
        [clinic for clinic, _, _ in settled],
        [command for _, command, _ in settled],
        [answer.status_code if answer else None for _, _, answer in settled],
        [_json(answer) if answer else None for _, _, answer in settled],
        now,
    )


async def look(connection: Connection, pairs: Collection[tuple[UUID, UUID]]) -> dict[tuple[UUID, UUID], Outcome]:
    """The outcomes of (clinic, command) pairs that exist, settled or not. One statement."""
    rows = await connection.fetch(LOOK, [clinic for clinic, _ in pairs], [command for _, command in pairs])
    return {(row["clinic_id"], row["command_id"]): _outcome(row) for row in rows}


def _outcome(row: asyncpg.Record) -> Outcome:
    result = row["result"]
    if isinstance(result, str):  # SQLAlchemy's connections, of the registry, decode JSON themselves
        result = orjson.loads(result)
    answer = Answer(status_code=row["status_code"], code=value_of(Code, row["code"]) if row["code"] else None, result=result)
    return Outcome(
        clinic_id=row["clinic_id"],
        command_id=row["command_id"],
        type=row["type"],
        principal=row["principal"],
        body_hash=row["body_hash"],
        answer=answer,
        accepted_at=row["accepted_at"],
        decided_at=row["decided_at"],
        settled_at=row["settled_at"],
    )


def _json(answer: Answer) -> str | None:
    return None if answer.result is None else orjson.dumps(answer.result).decode()
