"""The unit of work: one transaction in which a batch or a registry call has its effect and emits messages for others.

Emitted messages become outbox rows of the transaction and are published after its commit. Replies follow, and may be lost.
"""

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from shared.contracts.commands import Answer, CommandAnswered
from shared.contracts.envelope import Envelope, Message, following
from shared.contracts.topics import GATEWAY_REPLIES, Topic
from shared.contracts.versions import Version
from shared.infra import audit, ids
from shared.infra.audit import Action, Cause, Effect
from shared.infra.budget import Budget
from shared.infra.ids import NewId
from shared.infra.kafka.publisher import Publisher
from shared.infra.kafka.records import record_of
from shared.infra.metrics import REPLIES
from shared.infra.outbox import Outbox, Written
from shared.infra.postgres import Connection, Database

BOUND_WAITS = "SELECT set_config('statement_timeout', $1, true)"


@dataclass(frozen=True)
class Unit:
    """One transaction: its connection, its time on the database's clock, what it says and what it did."""

    connection: Connection
    now: datetime
    emitted: list[tuple[Topic, Message]] = field(default_factory=list)
    replies: list[CommandAnswered] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    new_id: NewId = ids.new_id
    oldest_version: Version = Version.PRESENT
    """What a process of this version cannot read is not emitted."""

    def at(self, now: datetime) -> Self:
        """The same unit at a later time of its transaction: what waited for a lock is judged and stamped by it."""
        return replace(self, now=now)

    def envelope(self, cause: Cause) -> Envelope:
        """The envelope of a message that follows from `cause`: another message, or the caller of a request."""
        if isinstance(cause, Message):
            return following(cause, message_id=self.new_id(), occurred_at=self.now)
        return Envelope(
            message_id=self.new_id(),
            clinic_id=cause.clinic_id,
            correlation_id=cause.correlation_id,
            causation_id=None,
            command_id=cause.command_id,
            actor=cause.actor,
            principal=cause.principal,
            body_hash=None,
            occurred_at=self.now,
            accepted_at=None,
            decide_by=None,
            reply_partition=None,
        )

    def emit(self, topic: Topic, message: Message) -> None:
        """Adds a message to the outbox: it is published after the commit, in the order of emission."""
        self.emitted.append((topic, message))

    def record(self, cause: Cause, action: Action, subject_id: UUID, **detail: Any) -> None:
        """Notes an effect for the audit trail: one row, in this transaction. `detail` is ids, numbers and dates, and a `code`."""
        code = detail.pop("code", None)
        self.effects.append(Effect(cause, action, subject_id, self.now, code, detail))

    async def conclude(self, outbox: Outbox) -> Written | None:
        """Writes what the transaction did and says, as its last statements."""
        if self.effects:
            await audit.append(self.connection, self.effects, self.new_id)
        return await outbox.write(self.connection, self.emitted) if self.emitted else None

    def reply(self, cause: Message, answer: Answer, *, replayed: bool = False) -> None:
        """Answers the gateway that waits for the command of `cause`, if one does."""
        if cause.reply_partition is not None and cause.command_id is not None:
            self.replies.append(CommandAnswered(**self.envelope(cause), answer=answer, replayed=replayed))


@dataclass(frozen=True)
class RegistryUnit(Unit):
    """A unit on SQLAlchemy: `sql` and `connection` are the same transaction."""

    sql: AsyncConnection = field(kw_only=True)
    budget: Budget | None = None

    async def bound_waits(self) -> None:
        """Has no statement from now on wait longer than the caller does: to be called behind what may have waited.

        Raises `TimeoutError` if the caller no longer waits.
        """
        if self.budget:
            await self.connection.execute(BOUND_WAITS, str(self.budget.left_ms()))


class Units:
    """Hands out the units of one process."""

    def __init__(
        self,
        database: Database,
        outbox: Outbox,
        publisher: Publisher,
        new_id: NewId = ids.new_id,
        oldest_version: Version = Version.PRESENT,
    ) -> None:
        self.database = database
        self._new_id = new_id
        self._oldest_version = oldest_version
        self._outbox = outbox
        self._publisher = publisher
        self._publishing: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def batch(self, clinics: Collection[UUID], *, brief: bool = False) -> AsyncIterator[Unit]:
        """A unit on asyncpg for exactly these clinics. On leaving: audit, outbox, commit, publish, replies.

        A `brief` one waits for no lock and no statement longer than a few seconds.
        """
        async with self.database.batch(clinics, brief=brief) as (connection, now):
            unit = Unit(connection, now, new_id=self._new_id, oldest_version=self._oldest_version)
            yield unit
            written = await unit.conclude(self._outbox)
        if written:
            await self._outbox.publish(written)
        await self._send_replies(unit)

    @asynccontextmanager
    async def registry(self, clinic: UUID, budget: Budget | None = None) -> AsyncIterator[RegistryUnit]:
        """A unit on SQLAlchemy for one clinic. Run it in `shielded`: a cancelled transaction can leak its connection.

        With a budget it is committed within it or not at all; then a `TimeoutError` is raised, or the database's own.
        """
        async with self.database.session(clinic, budget) as (sql, connection, now):
            unit = RegistryUnit(connection, now, new_id=self._new_id, oldest_version=self._oldest_version, sql=sql, budget=budget)
            yield unit
            written = await unit.conclude(self._outbox)
            if budget:
                budget.left_ms()
        if written:
            self._publish_beside(written)

    def _publish_beside(self, written: Written) -> None:
        """A client's call does not wait for Kafka: what it says is committed, and the relay sends what this cannot."""
        task = asyncio.ensure_future(self._outbox.publish(written))
        self._publishing.add(task)
        task.add_done_callback(self._publishing.discard)

    async def _send_replies(self, unit: Unit) -> None:
        """Replies are an optimisation: one that fails is made up for by the gateway's own look."""
        if unit.replies:
            records = [record_of(GATEWAY_REPLIES, reply, reply.reply_partition) for reply in unit.replies]
            for sent in await self._publisher.send_all(records):
                REPLIES.labels(outcome="sent" if sent else "failed").inc()
