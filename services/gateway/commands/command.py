"""A client's command: what it asks for, under which id, until when, and the message that carries it."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from services.gateway.access.caller import Caller
from services.gateway.owners.known_ids import Named
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.envelope import Message
from shared.contracts.topics import Topic
from shared.infra import ids


@dataclass(frozen=True)
class Kind:
    """A kind of command: `operation` is the scope of its idempotency keys."""

    operation: str
    message: type[Message]
    topic: Topic


@dataclass(frozen=True)
class Command:
    """One command. Without a key of the client's one is made up, so that its id can be found again by repeating it."""

    kind: Kind
    caller: Caller
    key: str
    keyed_by_client: bool
    command_id: UUID
    body_hash: str
    accepted_at: datetime
    fields: dict[str, Any]
    named: tuple[Named, ...] = ()
    """The ids that must be known before it is published."""
    errand: "Errand | None" = None
    """What is to be asked or done at an owner, then, before it can be published."""

    @classmethod
    def make(
        cls,
        kind: Kind,
        caller: Caller,
        key: str | None,
        body_hash: str,
        now: datetime,
        *named: Named,
        errand: "Errand | None" = None,
        **fields: Any,
    ) -> "Command":
        """The command of a request that was read and found valid."""
        used = key if key is not None else ids.new_id().hex
        command_id = ids.command_id(caller.clinic_id, caller.principal, kind.operation, used)
        return cls(kind, caller, used, key is not None, command_id, body_hash, now, fields, named, errand)

    @property
    def type(self) -> str:
        return self.kind.message.__name__

    @property
    def decide_by(self) -> datetime:
        """Later than this nobody decides it."""
        return self.accepted_at + timedelta(seconds=DECIDE_WITHIN_SECONDS)

    async def ready(self) -> "Command":
        """The command with all that its message needs. Raises a `ProblemError` if its errand fails."""
        return self if self.errand is None else replace(self, fields={**self.fields, **await self.errand(self)}, errand=None)

    def message(self, reply_partition: int | None) -> Message:
        """The message, with where to reply to."""
        return self.kind.message(
            message_id=ids.message_id(self.command_id, self.type),
            type=self.type,
            clinic_id=self.caller.clinic_id,
            correlation_id=self.caller.correlation_id,
            command_id=self.command_id,
            actor=self.caller.actor,
            principal=self.caller.principal,
            body_hash=self.body_hash,
            occurred_at=self.accepted_at,
            accepted_at=self.accepted_at,
            decide_by=self.decide_by,
            reply_partition=reply_partition,
            **self.fields,
        )


Errand = Callable[[Command], Awaitable[Mapping[str, Any]]]
"""Answers fields of the message; raises a `ProblemError`."""
