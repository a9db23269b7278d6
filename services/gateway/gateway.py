"""What the routes of one process share. Built by `app.py`, found by routes in the application's state."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID
from zoneinfo import ZoneInfo

from fastapi import Request

from services.gateway.access.caller import OPEN, ApiCaller
from services.gateway.clinics.service import CurrentClinic
from services.gateway.clock import DatabaseClock
from services.gateway.commands.outcome_polling import Looks
from services.gateway.commands.submit import Commands
from services.gateway.commands.tickets import Tickets
from services.gateway.owners.client import Owners
from services.gateway.owners.known_ids import KnownIds
from shared.contracts.problems import Code
from shared.infra.asgi import outgoing_headers
from shared.infra.kafka.stream import Stream
from shared.infra.problems import ProblemError


@dataclass(frozen=True)
class Gateway:
    """The parts of a running gateway, and the clinic that open access acts for."""

    clinics: CurrentClinic
    clock: DatabaseClock
    owners: Owners
    known: KnownIds
    looks: Looks
    commands: Commands
    tickets: Tickets
    replies: Stream

    def caller(self, request: Request) -> ApiCaller:
        """Who asks: while access is open everybody is the same."""
        passed_on = {**outgoing_headers(request), **_conditions(request)}
        return ApiCaller(self.clinics.known.id, OPEN, OPEN, request.state.correlation_id, passed_on)

    async def require_doctor(self, request: Request, doctor_id: UUID) -> None:
        """Raises the problem `unknown_doctor` for one that the clinic never had: lists of such a one would be empty."""
        if await self.known.first_unknown(self.caller(request), [("doctor", doctor_id)]):
            raise ProblemError(Code.UNKNOWN_DOCTOR)

    def local_now(self) -> datetime:
        """The time in the clinic's zone."""
        return self.clock.now().astimezone(ZoneInfo(self.clinics.known.settings.time_zone))


def _conditions(request: Request) -> dict[str, str]:
    """The headers that an owner judges. What is not ASCII matches no version and no language, so its place is enough."""
    sent = {name: request.headers.getlist(name) for name in ("If-Match", "Accept-Language")}
    return {name: ", ".join(values).encode("ascii", "replace").decode() for name, values in sent.items() if values}


def gateway_of(request: Request) -> Gateway:
    """The gateway that answers this request."""
    gateway: Gateway = request.app.state.gateway
    return gateway
