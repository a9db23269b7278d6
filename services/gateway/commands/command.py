"""A client's command: what it asks for, under which id, until when, and the message that carries it."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Self
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.owners.known_ids import Named
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.envelope import ClientCommand, CommandEnvelope
from shared.contracts.topics import Topic
from shared.infra import ids

Build = Callable[[CommandEnvelope], ClientCommand]
"""Makes the message of a command: the envelope is the command's, the other fields are what its client asked for."""


@dataclass(frozen=True)
class Kind:
    """A kind of command: `operation` is the scope of its idempotency keys."""

    operation: str
    message: type[ClientCommand]
    topic: Topic


@dataclass(frozen=True)
class Command:
    """One command. Without a key of the client's one is made up, so that its id can be found again by repeating it."""

    kind: Kind
    caller: ApiCaller
    key: str
    keyed_by_client: bool
    command_id: UUID
    body_hash: str
    accepted_at: datetime
    resolve: "Resolve"
    """Asks owners for what the message needs beside the request, and answers how the message is built."""
    named: tuple[Named, ...] = ()
    """The ids that must be known before it is published."""

    @classmethod
    def make(
        cls, kind: Kind, caller: ApiCaller, key: str | None, body_hash: str, now: datetime, resolve: "Resolve", *named: Named
    ) -> Self:
        """The command of a request that was read and found valid."""
        used = key if key is not None else ids.new_id().hex
        command_id = ids.command_id(caller.clinic_id, caller.principal, kind.operation, used)
        return cls(kind, caller, used, key is not None, command_id, body_hash, now, resolve, named)

    @property
    def type(self) -> str:
        return self.kind.message.__name__

    @property
    def decide_by(self) -> datetime:
        """Later than this nobody decides it."""
        return self.accepted_at + timedelta(seconds=DECIDE_WITHIN_SECONDS)

    def envelope(self, reply_partition: int | None) -> CommandEnvelope:
        """The envelope of its message, with the partition of the replies that this process reads."""
        return CommandEnvelope(
            message_id=ids.message_id(self.command_id, self.type),
            clinic_id=self.caller.clinic_id,
            correlation_id=self.caller.correlation_id,
            causation_id=None,
            command_id=self.command_id,
            actor=self.caller.actor,
            principal=self.caller.principal,
            body_hash=self.body_hash,
            occurred_at=self.accepted_at,
            accepted_at=self.accepted_at,
            decide_by=self.decide_by,
            reply_partition=reply_partition,
        )


Resolve = Callable[[Command], Awaitable[Build]]
"""Raises a `ProblemError` if an owner refuses, or does not answer."""


def built(build: Build) -> Resolve:
    """Of a command whose message needs nothing but what its client sent."""

    async def resolve(_: Command) -> Build:
        return build

    return resolve
