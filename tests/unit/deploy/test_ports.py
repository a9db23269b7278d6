"""Ports are free, below the ephemeral range, stay the same, and belong to one stack at a time."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from deploy.embedded import ports
from deploy.embedded.failure import PortInUse, StartFailed
from deploy.embedded.ports import Claims
from deploy.embedded.process import Process, ProcessId


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of somebody who listens."""
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, ports.any_free()))
        listener.listen()
        yield listener.getsockname()[1]


@pytest.fixture
def claims() -> Iterator[Claims]:
    """Those of one stack."""
    one = Claims()
    yield one
    one.release()


@pytest.fixture
def others() -> Iterator[Claims]:
    """Those of another stack."""
    other = Claims()
    yield other
    other.release()


def test_any_free_port_is_below_the_ephemeral_range() -> None:
    assert ports.LOWEST_PORT <= ports.any_free() < ports.EPHEMERAL_START


def test_a_kept_port_goes_before_a_preferred_one(claims: Claims, others: Claims) -> None:
    kept, preferred = ports.any_free(), ports.any_free()
    assert claims.choose(["kafka"], {"kafka": kept}, {"kafka": preferred}) == {"kafka": kept}
    assert others.choose(["kafka"], {}, {"kafka": preferred}) == {"kafka": preferred}


def test_a_taken_port_is_replaced(claims: Claims, taken_port: int) -> None:
    chosen = claims.choose(["kafka"], {"kafka": taken_port}, {})
    assert chosen["kafka"] != taken_port


def test_two_names_never_get_one_port(claims: Claims) -> None:
    port = ports.any_free()
    chosen = claims.choose(["kafka", "valkey"], {}, {"kafka": port, "valkey": port})
    assert len(set(chosen.values())) == 2


def test_two_stacks_never_get_one_port_though_nobody_listens_yet(claims: Claims, others: Claims) -> None:
    port = ports.any_free()
    ours, theirs = (stack.choose(["kafka"], {}, {"kafka": port})["kafka"] for stack in (claims, others))
    assert ours == port != theirs
    assert claims.choose(["kafka"], {"kafka": port}, {}) == {"kafka": port}, "a stack that starts again keeps its ports"
    claims.release()
    others.demand("gateway", port)


def test_a_claim_ends_with_the_process_that_holds_it(claims: Claims) -> None:
    port = ports.any_free()
    code = f"from deploy.embedded.ports import Claims; Claims().demand('gateway', {port})"
    assert subprocess.run([sys.executable, "-c", code], check=False, timeout=30).returncode == 0
    claims.demand("gateway", port)


@pytest.mark.parametrize("by", ["a listener", "a claim"])
def test_a_taken_port_is_an_error_that_says_what_to_type(claims: Claims, others: Claims, taken_port: int, by: str) -> None:
    port = taken_port if by == "a listener" else ports.any_free()
    if by == "a claim":
        others.demand("gateway", port)
    with pytest.raises(PortInUse, match=rf"port {port} is in use by process {os.getpid()}\n.*--port {port + 10}"):
        claims.demand("gateway", port)


def test_who_answers_on_a_port_is_not_taken_for_the_child(taken_port: int, tmp_path: Path) -> None:
    """Another stack's server would answer as well as ours."""
    child = Process("sleeper", (sys.executable, "-c", "import time; time.sleep(60)"), tmp_path / "log", env=dict(os.environ))
    child.start()
    try:
        with pytest.raises(StartFailed, match=f"another process answers on port {taken_port}"):
            child.wait_ready(lambda: ports.answers(taken_port), timeout_seconds=0.3, port=taken_port)
        assert child.id is not None and not child.id.listens(taken_port)
        own = ProcessId(os.getpid(), psutil.Process().create_time())
        assert own.listens(taken_port)
    finally:
        child.kill()
