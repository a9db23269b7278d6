"""The service that takes the lines, over its internal HTTP, acting for the clinic of the API.

A call that was cut off is sent again: its lines are found by their natural keys, so what it had done counts as known then.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from deploy import addresses
from deploy.failure import Failure, Unreachable
from deploy.importing.kinds import Kind
from shared.contracts import internal
from shared.contracts.clinics import ClinicView
from shared.contracts.imports import ImportIn, ImportLine, ImportReport

CONNECT_SECONDS = 5.0
CALL_SECONDS = 60.0
AGAIN_SECONDS = 60.0
"""So long a call is sent again while its owner is away."""
AWAY = {429, 502, 503, 504}
ACTOR = "import"


class _Away(Exception):
    """The owner did not take a call; it may take the same a moment later."""


class Owner:
    """Takes some lines at a time. `params` are those of its route."""

    def __init__(self, client: httpx2.AsyncClient, kind: Kind, params: dict[str, str]) -> None:
        self._client = client
        self._kind = kind
        self._params = params

    async def take(self, lines: list[ImportLine]) -> ImportReport:
        """What became of these lines. Raises `Unreachable` if nobody takes them for a minute."""
        body = ImportIn(lines=lines).model_dump_json()
        waiting = wait_exponential_jitter(multiplier=0.2, max=5)
        again = AsyncRetrying(
            retry=retry_if_exception_type(_Away), stop=stop_after_delay(AGAIN_SECONDS), wait=waiting, reraise=True
        )
        try:
            return await again(self._once, body)
        except _Away as away:
            raise addresses.unreachable(self._kind.owner, str(self._client.base_url), str(away)) from None

    async def check(self) -> None:
        """Raises `Unreachable` at once if the owner is not there, before anything is read."""
        try:
            await self._client.get("/health/live")
        except httpx2.TransportError as error:
            raise addresses.unreachable(self._kind.owner, str(self._client.base_url), type(error).__name__) from error

    async def _once(self, body: str) -> ImportReport:
        path, said = f"/internal/{self._kind.name}/import", {"Content-Type": "application/json"}
        try:
            answer = await self._client.post(path, params=self._params, content=body, headers=said)
        except httpx2.TransportError as error:
            raise _Away(type(error).__name__) from error
        if answer.status_code in AWAY:
            raise _Away(f"it answered {answer.status_code}")
        if answer.status_code != httpx2.codes.OK:
            raise Failure(f"{self._kind.owner} refused a call: {answer.status_code} {answer.text[:500]}")
        return ImportReport.model_validate_json(answer.content)


@asynccontextmanager
async def opened(kind: Kind, params: dict[str, str]) -> AsyncIterator[Owner]:
    """The owner of a kind of file, by the addresses of the stack that runs here or that the environment gives."""
    clinic = await _clinic(addresses.api())
    said = {**internal.headers(clinic.id, ACTOR, ACTOR), "Request-Id": f"import-{uuid4().hex}"}
    timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(
        base_url=addresses.service(kind.owner), headers=said, timeout=timeout, trust_env=False
    ) as client:
        owner = Owner(client, kind, params)
        await owner.check()
        yield owner


async def _clinic(api: str) -> ClinicView:
    """The clinic that the API acts for."""
    try:
        async with httpx2.AsyncClient(timeout=CONNECT_SECONDS) as client:
            answer = await client.get(f"{api}/clinic")
    except httpx2.TransportError as error:
        raise addresses.unreachable("the API", api, type(error).__name__) from error
    if not answer.is_success:
        raise Unreachable(f"the API does not say which clinic this is: {answer.status_code} {answer.text[:300]}")
    return ClinicView.model_validate_json(answer.content)
