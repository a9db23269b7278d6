"""What the routes of one process share. Built by `app.py`, found by routes in the application's state."""

from dataclasses import dataclass
from typing import Any

from fastapi import Request

from services.gateway.access.caller import ApiCaller
from services.gateway.clinics.cache import ClinicCache
from services.gateway.clock import DatabaseClock
from services.gateway.commands.command import ApiCommand
from services.gateway.commands.kinds import CommandKind
from services.gateway.commands.submit import Commands
from services.gateway.commands.tickets import Tickets
from services.gateway.http.reading import CommandRequest
from services.gateway.owners.client import Owners
from services.gateway.owners.known_ids import KnownIds
from shared.infra.clockwork import Clock
from shared.infra.forms import canonical_hash
from shared.infra.ids import NewId
from shared.infra.kafka.stream import Stream
from shared.infra.unit import Units


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway."""

    clock: Clock
    """Pauses and deadlines of this process."""
    database_clock: DatabaseClock
    """The time that commands are accepted at."""
    new_id: NewId
    units: Units
    clinics: ClinicCache
    owners: Owners
    known: KnownIds
    commands: Commands
    tickets: Tickets
    replies: Stream

    def accept(self, kind: CommandKind, caller: ApiCaller, posted: CommandRequest[Any], **path_parameters: object) -> ApiCommand:
        """The command of a request that was read."""
        body_hash = canonical_hash(posted.body, **path_parameters)
        return ApiCommand(kind, caller, self.key_of(posted), posted.key is not None, body_hash, self.database_clock.now())

    def key_of(self, posted: CommandRequest[Any]) -> str:
        """The client's key. A client that sent none is given a new one, to repeat the request with: call it once a request."""
        return posted.key if posted.key is not None else self.new_id().hex


def gateway_of(request: Request) -> Gateway:
    """The gateway that answers this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway
