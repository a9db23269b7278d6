"""A server that failed is left alone for a second, then asked again; each failure is logged under the caller's name for it."""

import pytest
from redis.exceptions import RedisError
from structlog.testing import capture_logs

from shared.infra.circuit import OPEN_SECONDS, CircuitBreaker
from tests.support.clock import FakeClock

CLOSED = "unable to perform operation on <TCPTransport closed=True>; the handler is closed"
"""What uvloop says on a write to what the server has closed."""


class Server:
    """Counts its calls; raises `error` while there is one."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error = error
        self.calls = 0

    async def answer(self) -> str:
        self.calls += 1
        if self.error:
            raise self.error
        return "pong"


async def test_a_server_that_answers_is_asked_each_time() -> None:
    circuit, server = CircuitBreaker(FakeClock(), "server_unavailable"), Server()
    assert [await circuit.call(server.answer) for _ in range(3)] == ["pong"] * 3
    assert server.calls == 3 and not circuit.is_open


@pytest.mark.parametrize("error", [RedisError(), ConnectionError(), TimeoutError(), RuntimeError(CLOSED)], ids=repr)
async def test_a_server_that_failed_is_left_alone_for_a_second(error: Exception) -> None:
    clock, server = FakeClock(), Server(error)
    circuit = CircuitBreaker(clock, "server_unavailable")
    with capture_logs() as logs:
        assert [await circuit.call(server.answer) for _ in range(3)] == [None] * 3
    assert server.calls == 1 and circuit.is_open
    assert [(log["event"], log["log_level"], log["error"]) for log in logs] == [
        ("server_unavailable", "warning", type(error).__name__)
    ]
    server.error = None
    clock.now += OPEN_SECONDS
    assert await circuit.call(server.answer) == "pong"


async def test_any_other_error_is_the_caller_s() -> None:
    circuit = CircuitBreaker(FakeClock(), "server_unavailable")
    for error in (ValueError("no number"), RuntimeError("no closed connection")):
        with pytest.raises(type(error)):
            await circuit.call(Server(error).answer)
        assert not circuit.is_open
