"""The bytes of HTTP: what is none gets a problem, in its turn; who leaves is no error; who dawdles does not hold up an end."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import pytest
import structlog
import uvicorn
import uvloop
from fastapi import APIRouter, FastAPI, Request, Response

from deploy.embedded.ports import LOOPBACK
from shared.infra.api import add_routes, create_api
from shared.infra.health import Readiness
from shared.infra.http_protocol import SLOW_BODY_SECONDS, ProblemProtocol
from shared.infra.metrics import REGISTRY
from tests.support.waiting import DEADLINE_SECONDS, eventually

GET = b"GET /now HTTP/1.1\r\nHost: desk\r\n\r\n"
HEAD_OF_POST = b"POST /echo HTTP/1.1\r\nHost: desk\r\nContent-Length: 4\r\n\r\n"


@pytest.fixture
def gate() -> asyncio.Event:
    """Opened by a test that lets `/later` answer."""
    return asyncio.Event()


@pytest.fixture
def app(gate: asyncio.Event) -> FastAPI:
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=False)
    router = APIRouter()

    @router.get("/now")
    async def get_now() -> str:
        return "now"

    @router.get("/later")
    @router.post("/later")
    async def get_later(request: Request) -> str:
        await request.body()
        await gate.wait()
        return "later"

    @router.post("/echo")
    async def post_echo(request: Request) -> Response:
        return Response(await request.body())

    add_routes(app, router)
    return app


class Desk:
    """A server in this process, and connections to it."""

    def __init__(self, server: uvicorn.Server) -> None:
        self.server = server
        self._writers: list[asyncio.StreamWriter] = []

    async def send(self, *parts: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection over which this was sent, at once."""
        port = self.server.servers[0].sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection(LOOPBACK, port)
        self._writers.append(writer)
        writer.write(b"".join(parts))
        return reader, writer

    async def all_answers(self, *parts: bytes) -> list[tuple[int, Any]]:
        """Status and body of each answer, until the server closes."""
        reader, _ = await self.send(*parts)
        return answers_in(await read_all(reader))

    def close(self) -> None:
        for writer in self._writers:
            writer.close()


async def read_all(reader: asyncio.StreamReader) -> bytes:
    return await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)


def answers_in(data: bytes) -> list[tuple[int, Any]]:
    """Status and JSON of each answer in these bytes."""
    found = []
    while data:
        head, _, rest = data.partition(b"\r\n\r\n")
        [length] = [int(line[15:]) for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
        body, data = rest[:length], rest[length:]
        found.append((int(head.split()[1]), orjson.loads(body) if head.count(b"json") else body))
    return found


@asynccontextmanager
async def served(app: FastAPI, grace: int = 10) -> AsyncIterator[Desk]:
    config = uvicorn.Config(app, host=LOOPBACK, port=0, http=ProblemProtocol, ws="none", log_config=None, access_log=False)
    config.timeout_graceful_shutdown = grace
    server = uvicorn.Server(config)
    running = asyncio.ensure_future(server._serve())
    desk = Desk(server)

    async def started() -> bool:
        return server.started

    await eventually(started)
    try:
        yield desk
    finally:
        desk.close()
        server.should_exit = True
        await asyncio.wait_for(running, DEADLINE_SECONDS)


@pytest.fixture
async def desk(app: FastAPI) -> AsyncIterator[Desk]:
    async with served(app) as desk:
        yield desk


@pytest.fixture
def events() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs() as captured:
        yield captured


def count(route: str, method: str, status: int) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("frontdesk_http_requests_total", labels) or 0.0


@pytest.mark.parametrize("raw", [
    b"what is this\r\n\r\n",
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "GET /now?name=José HTTP/1.1\r\nHost: desk\r\n\r\n".encode(),
    "GET /José HTTP/1.1\r\nHost: desk\r\n\r\n".encode(),
    b"GET /now HTTP/1.1\r\nHost : desk\r\n\r\n",
    b"GET /now HTTP/1.1\r\nHost: desk\r\nContent-Length: x\r\n\r\n",
    b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
], ids=["words", "tls", "query", "path", "space", "length", "http2"])  # fmt: skip
async def test_what_is_no_http_is_a_problem(desk: Desk, raw: bytes) -> None:
    before = count("unmatched", "other", 400)
    reader, _ = await desk.send(raw)
    data = await read_all(reader)
    [(status, problem)] = answers_in(data)
    head = data.partition(b"\r\n\r\n")[0].decode().split("\r\n")
    headers = dict(line.split(": ", 1) for line in head[1:])
    assert (status, problem["status"], problem["code"]) == (400, 400, "invalid_request")
    assert (headers["content-type"], headers["connection"]) == ("application/problem+json", "close")
    assert headers["request-id"] == problem["correlation_id"]
    assert headers["x-content-type-options"] == "nosniff"
    assert count("unmatched", "other", 400) == before + 1


async def test_what_stands_before_it_is_answered_first(desk: Desk, gate: asyncio.Event) -> None:
    reader, _ = await desk.send(b"GET /later HTTP/1.1\r\nHost: desk\r\n\r\n", GET, b"what is this\r\n\r\n")
    gate.set()
    answers = answers_in(await read_all(reader))
    assert answers[:2] == [(200, "later"), (200, "now")]
    assert [(status, problem["code"]) for status, problem in answers[2:]] == [(400, "invalid_request")]


@pytest.mark.parametrize("before", [b"", GET])
async def test_a_body_that_is_no_http_is_refused(desk: Desk, before: bytes) -> None:
    chunked = b"POST /echo HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: chunked\r\n\r\n"
    answers = await desk.all_answers(before, chunked, b"no size\r\n")
    assert [status for status, _ in answers] == ([200, 400] if before else [400])
    assert answers[-1][1]["code"] == "invalid_request"


def test_clients_that_pipeline_and_leave_are_counted_as_gone(
    app: FastAPI, gate: asyncio.Event, events: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    before = count("/later", "POST", 499)
    # The loop that services run on: it raises where the standard one says nothing.
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(pipeline_and_leave(app, gate))
    assert {(event["event"], event["log_level"]) for event in events} == {("http_request", "info")}
    assert not [record for record in caplog.records if record.levelname == "ERROR"]
    assert count("/later", "POST", 499) == before + 10


async def pipeline_and_leave(app: FastAPI, gate: asyncio.Event) -> None:
    """Ten clients ask four times each and are gone before the first answer."""
    asked = [b"POST /later HTTP/1.1\r\nHost: desk\r\nContent-Length: 2\r\n\r\n{}"] * 3 + [GET]
    async with served(app) as desk:
        writers = [(await desk.send(*asked))[1] for _ in range(10)]
        state = desk.server.server_state

        async def all_asked() -> bool:
            return len(state.tasks) == len(writers)

        await eventually(all_asked)
        for writer in writers:
            writer.transport.abort()

        async def all_gone() -> bool:
            return not state.connections

        await eventually(all_gone)
        gate.set()

        async def all_ended() -> bool:
            return not state.tasks

        await eventually(all_ended)


HALVES = [
    b"POST /echo HTTP/1.1\r\nHost: desk\r\nContent-Length: 4\r\n\r\nha",
    b"POST /echo HTTP/1.1\r\nHost: desk\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nha\r\n",
    b"GET /now HTTP/1.1\r\nHo",
    b"G",
]


async def test_requests_that_never_come_whole_do_not_hold_up_an_end_and_are_told_so(app: FastAPI) -> None:
    async with served(app) as desk:
        readers = [(await desk.send(half))[0] for half in HALVES * 12]

        async def all_arrived() -> bool:
            parts = [one._head_has_begun or one._unanswered for one in desk.server.server_state.connections]  # type: ignore[union-attr]
            return len(parts) == len(readers) and all(parts)

        await eventually(all_arrived)
        began = asyncio.get_running_loop().time()
        desk.server.should_exit = True
        answers = [answers_in(await read_all(reader)) for reader in readers]
        assert asyncio.get_running_loop().time() - began < SLOW_BODY_SECONDS + 1
    for [(status, problem)] in answers:
        assert (status, problem["code"]) == (503, "unavailable")


async def test_a_request_that_comes_whole_in_time_is_answered(app: FastAPI) -> None:
    async with served(app) as desk:
        reader, writer = await desk.send(HEAD_OF_POST)

        async def asked() -> bool:
            return bool(desk.server.server_state.tasks)

        await eventually(asked)
        desk.server.should_exit = True

        async def closing() -> bool:
            return not desk.server.servers[0].sockets

        await eventually(closing)
        writer.write(b"done")
        assert answers_in(await read_all(reader)) == [(200, b"done")]


async def test_what_takes_longer_than_the_grace_is_told_so_by_a_problem(app: FastAPI, events: list[Any]) -> None:
    async with served(app, grace=1) as desk:
        reader, _ = await desk.send(b"GET /later HTTP/1.1\r\nHost: desk\r\n\r\n")

        async def asked() -> bool:
            return bool(desk.server.server_state.tasks)

        await eventually(asked)
        desk.server.should_exit = True
        [(status, problem)] = answers_in(await read_all(reader))
    assert (status, problem["code"]) == (503, "unavailable")
    assert {(event["event"], event["status"]) for event in events} == {("http_request", 503)}
