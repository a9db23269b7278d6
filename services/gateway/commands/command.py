"""A client's command as the gateway accepted it: who asks for what, under which id and until when. `Gateway.accept` makes it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from services.gateway.commands.kinds import CommandKind
from shared.contracts.commands import DECIDE_WITHIN_SECONDS
from shared.contracts.envelope import CommandEnvelope
from shared.infra import ids


@dataclass(frozen=True)
class ApiCommand:
    """One command. `key` is the client's, or one that was made up for it; `body_hash` tells a repeat from another request."""

    kind: CommandKind
    caller: ApiCaller
    key: str
    keyed_by_client: bool
    body_hash: str
    accepted_at: datetime

    @cached_property
    def command_id(self) -> UUID:
        """The same for the same key of one principal and operation: so the command is found again by repeating it."""
        return ids.command_id(self.caller.clinic_id, self.caller.principal, self.kind.operation, self.key)

    @property
    def type(self) -> str:
        return self.kind.message.__name__

    @property
    def decide_by(self) -> datetime:
        """Later than this no service decides it."""
        return self.accepted_at + timedelta(seconds=DECIDE_WITHIN_SECONDS)

    def envelope(self) -> CommandEnvelope:
        """The envelope of its message. The partition of its reply is filled in when it is published."""
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
            reply_partition=None,
        )
