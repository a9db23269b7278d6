"""A service that is asked to stop refuses connections, so that its probes fail, and first ends the requests that it has."""

import asyncio
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.embedded.ports import LOOPBACK, Claims
from tests.support.shell import own_environment
from tests.support.waiting import DEADLINE_SECONDS

ROOT = Path(__file__).parents[3]
REQUEST = b"POST /echo HTTP/1.1\r\nHost: test\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n"
"""A request whose body follows when the service asks for it: until then it is in the service's hand."""
LISTENS, WAITS = b"Uvicorn running on", b"Waiting for connections to close"
"""What the server says when it serves, and when it was asked to stop and has requests to end."""


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
async def echo() -> AsyncIterator[Service]:
    """The service of `echo.py`, which serves."""
    claims = Claims()
    port = claims.choose(["echo"], {}, {})["echo"]
    settings = {
        "FRONTDESK_HTTP__PORT": str(port),
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
