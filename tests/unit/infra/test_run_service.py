"""A service that is asked to stop tells its probes first, then refuses connections and ends the requests that it has."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest

from deploy.embedded.ports import LOOPBACK, Claims
from tests.support.shell import own_environment
from tests.support.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parents[3]
REQUEST = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
"""A request whose body follows when the service asks for it: until then it is in the service's hand."""
LISTENS, WAITS = b"Uvicorn running on", b"Waiting for connections to close"
"""What the server says when it serves, and when it was asked to stop and has requests to end."""
DRAINS, STOPS = b'"draining"', b"Shutting down"


@dataclass(frozen=True)
class Service:
    """A service process that listens on a port of its own."""

    process: Process
    port: int

    async def says(self, event: bytes) -> None:
        """Returns when the process has logged it."""
        assert self.process.stdout
        while event not in await asyncio.wait_for(self.process.stdout.readline(), DEADLINE_SECONDS):
            assert not self.process.stdout.at_eof(), event


@pytest.fixture
async def echo(request: pytest.FixtureRequest) -> AsyncIterator[Service]:
    """The service of `echo.py`, which serves. A test's parameter is how long it drains; else not at all."""
    claims = Claims()
    port = claims.choose(["echo"], {}, {})["echo"]
    settings = {
        "FRONTDESK_HTTP__PORT": str(port),
        "FRONTDESK_DRAIN_SECONDS": str(getattr(request, "param", 0)),
        "FRONTDESK_POSTGRES__URL": "postgresql://nobody.asks",
        "FRONTDESK_KAFKA__BOOTSTRAP_SERVERS": "nobody.asks:1",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.unit.infra.echo", cwd=ROOT, env=own_environment() | settings, stdout=PIPE
    )
    service = Service(process, port)
    try:
        await service.says(LISTENS)
        yield service
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        claims.release()


async def test_a_service_that_is_asked_to_stop_refuses_probes_and_ends_the_request_in_hand(echo: Service) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, echo.port)
    writer.write(REQUEST)
    assert await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), DEADLINE_SECONDS) == b"HTTP/1.1 100 Continue\r\n\r\n"
    echo.process.terminate()
    await echo.says(WAITS)
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(LOOPBACK, echo.port)
    writer.write(b"done")
    answer = await asyncio.wait_for(reader.read(), DEADLINE_SECONDS)
    assert answer.startswith(b"HTTP/1.1 200 OK\r\n") and answer.endswith(b"\r\n\r\ndone")
    writer.close()
    assert await asyncio.wait_for(echo.process.wait(), DEADLINE_SECONDS) == -signal.SIGTERM


async def ready(port: int) -> tuple[int, str]:
    """Status of the probe's answer, and what it says."""
    async with httpx2.AsyncClient() as http:
        answer = await http.get(f"http://{LOOPBACK}:{port}/health/ready")
    return answer.status_code, answer.json()["status"]


@pytest.mark.parametrize("echo", [600], indirect=True)
async def test_a_service_that_drains_says_so_and_still_answers_until_the_second_signal(echo: Service) -> None:
    assert await ready(echo.port) == (200, "ready")
    echo.process.terminate()
    await echo.says(DRAINS)
    assert await ready(echo.port) == (503, "draining")
    async with httpx2.AsyncClient() as http:
        answer = await http.post(f"http://{LOOPBACK}:{echo.port}/echo", content=b"new")
    assert (answer.status_code, answer.content) == (200, b"new")
    echo.process.terminate()
    assert await asyncio.wait_for(echo.process.wait(), DEADLINE_SECONDS) == -signal.SIGTERM


@pytest.mark.parametrize("echo", [0.5], indirect=True)
async def test_a_service_that_has_drained_ends(echo: Service) -> None:
    assert await ready(echo.port) == (200, "ready"), "who is asked to stop before it has started does not drain"
    echo.process.terminate()
    await echo.says(DRAINS)
    await echo.says(STOPS)
    assert await asyncio.wait_for(echo.process.wait(), DEADLINE_SECONDS) == -signal.SIGTERM
