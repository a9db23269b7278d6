"""The inbox: each message has its effect once, whatever is redelivered. Used by the consumer only."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from uuid import UUID

from shared.contracts.commands import ANSWERED_DAYS
from shared.contracts.envelope import Message
from shared.infra.postgres import Connection

# In id order, so that two processes with overlapping batches wait for each other instead of deadlocking.
ADMIT = """
INSERT INTO inbox (message_id, clinic_id, type, body_hash, topic_key)
SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::bytea[]) ORDER BY 1
ON CONFLICT DO NOTHING RETURNING message_id
"""
# Whose outcome is gone by now cannot be answered again: its key counts as used up.
KNOWN = """
SELECT message_id, body_hash FROM inbox
WHERE message_id = ANY($1::uuid[]) AND received_at > now() - make_interval(days => $2)
"""


@dataclass(frozen=True)
class Admitted:
    """A batch after the inbox: what is `fresh`, which commands are true `repeats`, and which came with a key `reused`."""

    fresh: list[Message] = field(default_factory=list)
    repeats: list[Message] = field(default_factory=list)
    reused: list[Message] = field(default_factory=list)


async def admit(connection: Connection, messages: Sequence[Message]) -> Admitted:
    """Records the guarded messages and sorts the batch. One statement, and one more when commands were repeated."""
    first = {message.message_id: message for message in reversed(messages) if message.guarded}
    admitted = await _insert(connection, list(first.values())) if first else set()
    fresh: list[Message] = []
    again: list[Message] = []
    for message in messages:
        if not message.guarded or message.message_id in admitted:
            admitted.discard(message.message_id)
            fresh.append(message)
        elif message.is_command:
            again.append(message)
    if not again:
        return Admitted(fresh)
    rows = await connection.fetch(KNOWN, [m.message_id for m in again], ANSWERED_DAYS)
    known = {row["message_id"]: row["body_hash"] for row in rows}
    repeats = [m for m in again if known.get(m.message_id) == m.body_hash]
    return Admitted(fresh, repeats, [m for m in again if known.get(m.message_id) != m.body_hash])


async def _insert(connection: Connection, messages: list[Message]) -> set[UUID]:
    rows = await connection.fetch(
        ADMIT,
        [m.message_id for m in messages],
        [m.clinic_id for m in messages],
        [m.type for m in messages],
        [m.body_hash if m.is_command else None for m in messages],
        [m.key if m.is_command else None for m in messages],
    )
    return {row["message_id"] for row in rows}
