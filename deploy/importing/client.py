"""Sends lines to the service that owns them, over its internal HTTP, acting for the clinic of the API.

A call that was cut off is sent again: its lines are found by their natural keys, so what it had done counts as known then.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import httpx2
from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_delay, wait_exponential_jitter

from deploy.addresses import Addresses
from deploy.failure import Failure, NoAnswer, Unreachable
from deploy.importing.file_kinds import ImportKind
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


class ImportClient:
    """Sends some lines at a time to their owner. `params` are those of its route."""

    def __init__(self, http: httpx2.AsyncClient, kind: ImportKind, params: dict[str, str]) -> None:
        self._http = http
        self._kind = kind
        self._params = params

    async def send(self, lines: list[ImportLine]) -> ImportReport:
        """What became of these lines. Raises `Unreachable` if the owner does not take them for a minute."""
        body = ImportIn(lines=lines).model_dump_json()
        waiting = wait_exponential_jitter(multiplier=0.2, max=5)
        again = AsyncRetrying(
            retry=retry_if_exception_type(_Away), stop=stop_after_delay(AGAIN_SECONDS), wait=waiting, reraise=True
        )
        try:
            return await again(self._once, body)
        except _Away as away:
            raise self._no_answer(str(away)) from None

    async def check(self) -> None:
        """Raises `Unreachable` at once if the owner is not there, before anything is read."""
        try:
            await self._http.get("/health/live")
        except httpx2.TransportError as error:
            raise self._no_answer(type(error).__name__) from error

    async def _once(self, body: str) -> ImportReport:
        path, headers = f"/internal/{self._kind.name}/import", {"Content-Type": "application/json"}
        try:
            answer = await self._http.post(path, params=self._params, content=body, headers=headers)
        except httpx2.TransportError as error:
            raise _Away(type(error).__name__) from error
        if answer.status_code in AWAY:
            raise _Away(f"it answered {answer.status_code}")
        if answer.status_code != httpx2.codes.OK:
            raise Failure(f"{self._kind.owner} refused a call: {answer.status_code} {answer.text[:500]}")
        return ImportReport.model_validate_json(answer.content)

    def _no_answer(self, why: str) -> NoAnswer:
        return NoAnswer.at(self._kind.owner, self._http.base_url, why)


@asynccontextmanager
async def connected(addresses: Addresses, kind: ImportKind, params: dict[str, str]) -> AsyncIterator[ImportClient]:
    """A client of the owner of a kind of file. Raises `Unreachable` if it or the API does not answer."""
    clinic = await _clinic(addresses.api())
    headers = {**internal.headers(clinic.id, ACTOR, ACTOR), "Request-Id": f"import-{uuid4().hex}"}
    timeout = httpx2.Timeout(CALL_SECONDS, connect=CONNECT_SECONDS)
    async with httpx2.AsyncClient(
        base_url=addresses.service(kind.owner), headers=headers, timeout=timeout, trust_env=False
    ) as http:
        client = ImportClient(http, kind, params)
        await client.check()
        yield client


async def _clinic(api: str) -> ClinicView:
    """The clinic that the API acts for."""
    try:
        async with httpx2.AsyncClient(timeout=CONNECT_SECONDS) as http:
            answer = await http.get(f"{api}/clinic")
    except httpx2.TransportError as error:
        raise NoAnswer.at("the API", api, type(error).__name__) from error
    if not answer.is_success:
        raise Unreachable(f"the API does not say which clinic this is: {answer.status_code} {answer.text[:300]}")
    return ClinicView.model_validate_json(answer.content)
