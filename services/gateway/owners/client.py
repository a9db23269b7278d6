"""Internal HTTP to the owners of doctors, patients, appointments and queues. One that does not answer is a 503 `unavailable`.

Bodies and answers pass through as bytes: the owner is the only judge of them.
"""

import asyncio
import ssl
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any
from uuid import UUID

import httpx2
import orjson
import structlog
from pydantic import ValidationError

from services.gateway.access.caller import ApiCaller
from services.gateway.http.retries import refusal_to_repeat
from services.gateway.settings import Settings
from shared.contracts import internal
from shared.contracts.commands import CloseCommands, CommandLook, CommandQuestion, Outcome, OverdueCommand
from shared.contracts.problems import Code
from shared.contracts.shapes import Active
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError

log = structlog.get_logger()

AVAILABILITY, BOOKING, QUEUE = "availability", "booking", "queue"

CONNECT_SECONDS = 2.0
READ_SECONDS = 5.0
EXISTS_SECONDS = 1.0
"""The check of an id is worth no longer wait: the owner judges the command anyway."""
MARGIN_SECONDS = 0.5
"""For the way to an owner and back, and for its commit."""
MAX_CONNECTIONS = 64
MAX_OUTCOMES = 1_000
"""So many outcomes are asked for in one call."""

CONNECTION_LOST = (httpx2.ReadError, httpx2.WriteError, httpx2.RemoteProtocolError)
"""The connection was there and ended before the answer."""

_KINDS = {"doctor": (AVAILABILITY, "doctors"), "patient": (BOOKING, "patients")}


class OwnerAnswer:
    """What an owner answered to a call."""

    def __init__(self, response: httpx2.Response) -> None:
        self.status_code = response.status_code
        self.is_success = response.is_success
        self.headers = response.headers
        self.content = response.content

    @cached_property
    def body(self) -> Any:
        """The body's JSON, parsed once. Raises `ValueError` where it is none."""
        return orjson.loads(self.content)


class Owners:
    """One bounded pool of connections for each owner.

    A call that may be repeated is, once, if its connection was lost: an owner that stops closes those that wait for a call. The
    `fresh` clients keep no connection, so the repeat has a new one, perhaps to another process; without them it takes any.
    """

    def __init__(
        self,
        clients: Mapping[str, httpx2.AsyncClient],
        clock: Clock,
        fresh: Mapping[str, httpx2.AsyncClient] | None = None,
    ) -> None:
        self._clients = dict(clients)
        self._fresh = self._clients if fresh is None else dict(fresh)
        self.clock = clock

    @classmethod
    def connect(cls, settings: Settings, clock: Clock) -> "Owners":
        """Prepares the pools; nothing is connected before the first call."""
        urls = {AVAILABILITY: settings.availability.url, BOOKING: settings.booking.url, QUEUE: settings.queue.url}
        # One for all: each would read all certificates of the machine for itself.
        tls = httpx2.create_ssl_context(trust_env=False)
        pooled, fresh = ({name: _client(url, tls, kept) for name, url in urls.items()} for kept in (MAX_CONNECTIONS, 0))
        return cls(pooled, clock, fresh)

    async def close(self) -> None:
        """Closes the connections."""
        await asyncio.gather(*(client.aclose() for client in (*self._clients.values(), *self._fresh.values())))

    async def call(
        self,
        owner: str,
        method: str,
        path: str,
        caller: ApiCaller,
        *,
        params: Mapping[str, object] | None = None,
        content: bytes | None = None,
        command_id: UUID | None = None,
        seconds: float = READ_SECONDS,
    ) -> OwnerAnswer:
        """Calls an owner and gives its answer as it is; parameters that are None are left out.

        The owner is told that we wait for `seconds`, less a margin: what we give up is then not done behind our back.

        Raises a `ProblemError` `unavailable` when there is no answer.
        """
        query = {name: str(value) for name, value in (params or {}).items() if value is not None}
        headers = internal.headers(caller.clinic_id, caller.actor, caller.principal, command_id) | caller.passed_on
        headers[internal.BUDGET] = str(round((seconds - MARGIN_SECONDS) * 1000))
        if content is not None:
            headers["Content-Type"] = "application/json"
        request = {"method": method, "url": path, "params": query, "content": content, "headers": headers}
        # What has a command id is done once, however often it is asked for.
        return await self._send(owner, request, repeatable=method == "GET" or command_id is not None)

    async def _send(self, owner: str, request: Mapping[str, Any], *, repeatable: bool) -> OwnerAnswer:
        """The answer to a request. Raises a `ProblemError` `unavailable` when there is none."""
        try:
            try:
                return OwnerAnswer(await self._clients[owner].request(**request))
            except CONNECTION_LOST:
                if not repeatable:
                    raise
                return OwnerAnswer(await self._fresh[owner].request(**request))
        except httpx2.TransportError:
            raise self.unavailable(owner) from None

    async def exists(self, caller: ApiCaller, kind: str, entity_id: UUID) -> bool | None:
        """Whether the owner has the id in use; None when it cannot say now.

        A deleted doctor counts: a booking that was before the deletion may still be on its way to its end, and only availability
        can tell it from those behind, which it refuses.
        """
        owner, collection = _KINDS[kind]
        try:
            async with asyncio.timeout(EXISTS_SECONDS):
                path = f"/internal/{collection}/{entity_id}"
                answer = await self.call(owner, "GET", path, caller, seconds=EXISTS_SECONDS)
        except (ProblemError, TimeoutError):
            return None
        if answer.status_code == httpx2.codes.OK:
            return kind == "doctor" or bool(answer.body.get("status") != Active.DELETED)
        return False if answer.status_code == httpx2.codes.NOT_FOUND else None

    async def outcomes(self, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]:
        """The outcomes that booking has of (clinic id, command id) pairs. Raises a `ProblemError` `unavailable`."""
        found: list[Outcome] = []
        for start in range(0, len(pairs), MAX_OUTCOMES):
            some = pairs[start : start + MAX_OUTCOMES]
            asked = CommandLook(commands=[CommandQuestion(clinic_id=clinic, command_id=command) for clinic, command in some])
            found += await self._outcomes("look", asked)
        return found

    async def close_command(self, overdue: OverdueCommand) -> Outcome | None:
        """The outcome of a command that is long past its deadline; `lost` unless it has another. None if booking still waits.

        Raises a `ProblemError` `unavailable`.
        """
        outcomes = await self._outcomes("close", CloseCommands(commands=[overdue]))
        return outcomes[0] if outcomes else None

    async def _outcomes(self, verb: str, asked: CommandLook | CloseCommands) -> list[Outcome]:
        headers = {"Content-Type": "application/json"}
        request = {"method": "POST", "url": f"/internal/commands/{verb}", "content": asked.model_dump_json(), "headers": headers}
        answer = await self._send(BOOKING, request, repeatable=True)
        if answer.status_code != httpx2.codes.OK:
            raise self.unavailable(BOOKING)
        found = map(_outcome, orjson.loads(answer.content)["outcomes"])
        return [outcome for outcome in found if outcome is not None]

    async def readiness(self, owner: str) -> dict[str, object]:
        """What the owner's `/health/ready` answers. Raises `httpx2.TransportError` or `ValueError`."""
        answer = await self._clients[owner].get("/health/ready")
        report: dict[str, object] = answer.json()
        return report

    def unavailable(self, owner: str) -> ProblemError:
        """The refusal while an owner does not answer."""
        return refusal_to_repeat(self.clock, Code.UNAVAILABLE, f"{owner} does not answer")


def _outcome(found: Any) -> Outcome | None:
    """One outcome; None if it cannot be read, which is no reason to leave all other clients without theirs."""
    try:
        return Outcome.model_validate(found)
    except ValidationError as error:
        log.error("outcome_unreadable", errors=error.errors(include_input=False, include_url=False))
        return None


def _client(url: str, tls: ssl.SSLContext, kept_connections: int) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=url,
        verify=tls,
        timeout=httpx2.Timeout(READ_SECONDS, connect=CONNECT_SECONDS, pool=CONNECT_SECONDS),
        limits=httpx2.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=kept_connections),
        trust_env=False,  # internal calls never go through a proxy
    )
