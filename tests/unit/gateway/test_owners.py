"""Calls to owners over real connections: one that an owner closed under a call is no reason to refuse what may be repeated."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from deploy.embedded.ports import LOOPBACK
from services.gateway.owners.client import BOOKING, Owners
from services.gateway.settings import Settings
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError
from tests.unit.gateway.parts import CALLER
from tests.unit.gateway.test_settings import ENVIRONMENT

ANSWER = b'HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 16\r\n\r\n{"outcomes": []}'


class ClosingOwner:
    """An owner whose connection answers one call, and is closed under the next. Keeps what it was asked, by connection."""

    def __init__(self, *, answers_anew: bool = True) -> None:
        self.asked: list[list[bytes]] = []
        self._answers_anew = answers_anew

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        requests: list[bytes] = []
        self.asked.append(requests)
        while head := await read_request(reader):
            requests.append(head)
            if len(requests) > 1 or (len(self.asked) > 1 and not self._answers_anew):
                break
            writer.write(ANSWER)
        writer.close()


async def read_request(reader: asyncio.StreamReader) -> bytes:
    """Head of the next request, whose body is read too; nothing at the end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return b""
    lengths = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
    await reader.readexactly(sum(lengths))
    return head


@asynccontextmanager
async def owners_at(owner: ClosingOwner) -> AsyncIterator[Owners]:
    """Owners of which all are this one, over a connection that is in use already."""
    async with await asyncio.start_server(owner.serve, LOOPBACK, 0) as server:
        url = f"http://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        urls = {f"FRONTDESK_{name}__URL": url for name in ("AVAILABILITY", "BOOKING", "QUEUE")}
        owners = Owners.connect(Settings.from_environment(ENVIRONMENT | urls), Clock())
        try:
            await owners.call(BOOKING, "GET", "/internal/first", CALLER)
            yield owners
        finally:
            await owners.close()


CALLS: dict[str, Callable[[Owners], Awaitable[object]]] = {
    "a read": lambda owners: owners.call(BOOKING, "GET", "/internal/patients", CALLER),
    "a registration with a key": lambda owners: owners.call(
        BOOKING, "POST", "/internal/patients", CALLER, content=b"{}", command_id=uuid4()
    ),
    "outcomes": lambda owners: owners.outcomes([(uuid4(), uuid4())]),
}


@pytest.mark.parametrize("call", CALLS)
async def test_what_may_be_repeated_is_once_over_a_new_connection(call: str) -> None:
    owner = ClosingOwner()
    async with owners_at(owner) as owners:
        await CALLS[call](owners)
    assert [len(requests) for requests in owner.asked] == [2, 1]
    assert owner.asked[0][1] == owner.asked[1][0], "the same request"


async def test_a_second_loss_is_a_refusal() -> None:
    owner = ClosingOwner(answers_anew=False)
    async with owners_at(owner) as owners:
        with pytest.raises(ProblemError) as refused:
            await owners.call(BOOKING, "GET", "/internal/patients", CALLER)
    assert refused.value.code == Code.UNAVAILABLE
    assert len(owner.asked) == 2


@pytest.mark.parametrize("method", ["POST", "PATCH", "PUT", "DELETE"])
async def test_a_change_without_a_key_is_not_repeated(method: str) -> None:
    owner = ClosingOwner()
    async with owners_at(owner) as owners:
        with pytest.raises(ProblemError) as refused:
            await owners.call(BOOKING, method, "/internal/patients", CALLER)
    assert refused.value.code == Code.UNAVAILABLE
    assert len(owner.asked) == 1
