"""The outbox: what a transaction says to others is written in it, and published after its commit, at least once.

Order within a key is kept without a high-water mark: the process that committed a batch publishes it at once, except keys that
have an older unsent row; what is left over belongs to one relay at a time. A published row is deleted by the
next transaction of the same process, or by its relay when none comes.

A row may follow an unsent one of its key at once if that one is on its way: handed to the producer in the streak that still
lasts when the row itself is handed over, in the order of the calls. A streak ends with the first record that fails.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import asyncpg
import structlog

from shared.contracts.envelope import Message
from shared.contracts.topics import Topic
from shared.infra.jobs import Job
from shared.infra.kafka.producer import Handed
from shared.infra.kafka.publisher import Publisher, Streak
from shared.infra.kafka.records import Record, record_of
from shared.infra.metrics import OUTBOX_PUBLISHED, OUTBOX_RELAYED
from shared.infra.postgres import Connection

log = structlog.get_logger()

WRITE = """
WITH sent AS (DELETE FROM outbox WHERE id = ANY($1::bigint[])),
said AS (SELECT * FROM unnest($3::uuid[], $4::uuid[], $5::text[], $6::text[], $7::bytea[], $8::bytea[])
         WITH ORDINALITY AS said(message_id, clinic_id, correlation_id, topic, key, body, place)),
older AS (SELECT DISTINCT topic, key FROM outbox JOIN said USING (topic, key) WHERE outbox.id <> ALL($2::bigint[])),
written AS (INSERT INTO outbox (message_id, clinic_id, correlation_id, topic, key, body)
            SELECT message_id, clinic_id, correlation_id, topic, key, body FROM said ORDER BY place RETURNING id, topic, key)
SELECT written.id, older.topic IS NOT NULL AS behind FROM written LEFT JOIN older USING (topic, key) ORDER BY written.id
"""
LEFT_OVER = """
SELECT id, correlation_id, topic, key, body FROM outbox
WHERE id <> ALL($1::bigint[]) AND created_at < clock_timestamp() - make_interval(secs => $2) ORDER BY id LIMIT $3
"""
DELETE = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
ONE_RELAY = "SELECT pg_try_advisory_xact_lock(hashtext('frontdesk.outbox.relay'))"

RELAY_BATCH_ROWS = 500
RELAY_GRACE_SECONDS = 0.5
"""Younger rows belong to the process that committed them."""
RELAY_INTERVAL_SECONDS = 0.25


@dataclass(frozen=True)
class OutboxRow:
    """A row of the outbox after its transaction: `behind` an older unsent row of its key it waits for the relay."""

    id: int
    record: Record
    behind: bool


@dataclass(frozen=True)
class Written:
    """What one transaction wrote, and what it cleared: both count only once it is committed. `behind` was judged in `streak`."""

    rows: list[OutboxRow]
    cleared: list[int]
    streak: Streak


class Outbox:
    """Writes, publishes and clears the outbox of one process."""

    def __init__(self, publisher: Publisher) -> None:
        self._publisher = publisher
        self._published: set[int] = set()
        """Acknowledged by the broker, still in the table."""
        self._in_flight: dict[int, Streak] = {}
        """Handed over, not known to be acknowledged or not."""
        self._turn = asyncio.Lock()
        """One call hands its rows over at a time, in the order of the calls, also if the producer makes one wait."""

    def _on_their_way(self) -> list[int]:
        """The rows handed over in this streak: they arrive before any that is handed over later in it."""
        return [id for id, streak in self._in_flight.items() if streak == self._publisher.streak]

    async def write(self, connection: Connection, said: Sequence[tuple[Topic, Message]]) -> Written:
        """Writes the messages as the last statement of a transaction, and clears what earlier ones have published."""
        records = [record_of(topic, message) for topic, message in said]
        cleared, streak = list(self._published), self._publisher.streak
        rows = await connection.fetch(
            WRITE,
            cleared,
            cleared + self._on_their_way(),
            [message.message_id for _, message in said],
            [message.clinic_id for _, message in said],
            [record.correlation_id for record in records],
            [record.topic for record in records],
            [record.key for record in records],
            [record.body for record in records],
        )
        written = [OutboxRow(row["id"], record, row["behind"]) for row, record in zip(rows, records, strict=True)]
        return Written(written, cleared, streak)

    async def publish(self, batch: Written) -> None:
        """Publishes what a committed transaction wrote. What fails is left to the relay: never an error of the batch."""
        self._published.difference_update(batch.cleared)
        ours = [row for row in batch.rows if not row.behind]
        acknowledged = await self._send([row.id for row in ours], [row.record for row in ours], batch.streak)
        for row, done in zip(ours, acknowledged, strict=True):
            OUTBOX_PUBLISHED.labels(topic=row.record.topic).inc(done)

    async def _send(self, ids: list[int], records: list[Record], streak: Streak) -> list[bool]:
        """Of each row whether the broker has it. None is sent if the streak is over in which they were judged to be next."""
        if not ids:
            return []  # what is all left to the relay waits for nobody's turn
        try:
            handed = await self._hand_over(ids, records, streak)
            acknowledged = await self._publisher.acknowledged(handed, of=len(ids))
            self._published.update(id for id, done in zip(ids, acknowledged, strict=True) if done)
            if not all(acknowledged):
                log.warning("outbox_publish_incomplete", unsent=acknowledged.count(False))
            return acknowledged
        finally:
            for id in ids:
                self._in_flight.pop(id, None)

    async def _hand_over(self, ids: list[int], records: list[Record], streak: Streak) -> list[Handed]:
        async with self._turn:
            if self._publisher.streak != streak:
                return []
            self._in_flight.update(dict.fromkeys(ids, streak))
            return await self._publisher.hand_over(records)

    async def relay_once(self, pool: "asyncpg.Pool[asyncpg.Record]") -> int:
        """Clears what is published and sends what others left over. Answers how many rows it relayed."""
        async with pool.acquire() as connection:
            if self._published:
                cleared = list(self._published)
                await connection.execute(DELETE, cleared)
                self._published.difference_update(cleared)
            async with connection.transaction():
                if not await connection.fetchval(ONE_RELAY):
                    return 0
                return await self._relay(connection)

    async def _relay(self, connection: Connection) -> int:
        streak = self._publisher.streak
        ours = self._on_their_way() + list(self._published)
        rows = await connection.fetch(LEFT_OVER, ours, RELAY_GRACE_SECONDS, RELAY_BATCH_ROWS)
        if not rows:
            return 0
        records = [Record(row["topic"], row["key"], row["body"], row["correlation_id"]) for row in rows]
        acknowledged = await self._send([row["id"] for row in rows], records, streak)
        sent = [row for row, done in zip(rows, acknowledged, strict=True) if done]
        ids = [row["id"] for row in sent]
        await connection.execute(DELETE, ids)
        self._published.difference_update(ids)
        for row in sent:
            OUTBOX_RELAYED.labels(topic=row["topic"]).inc()
        return len(sent)

    def relay(self, pool: "asyncpg.Pool[asyncpg.Record]") -> Job:
        """The relay of one process: rows that it cannot send stay where they are until the next round."""

        async def drain() -> None:
            while await self.relay_once(pool) == RELAY_BATCH_ROWS:
                pass

        return Job("outbox_relay", RELAY_INTERVAL_SECONDS, drain)
