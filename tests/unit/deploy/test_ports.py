"""Ports are free, below the ephemeral range, and stay the same."""

import socket
from collections.abc import Iterator

import pytest

from deploy.embedded import ports
from deploy.embedded.failure import PortInUse
from deploy.embedded.stack import check_port


@pytest.fixture
def taken_port() -> Iterator[int]:
    """A port of somebody who listens."""
    with socket.socket() as listener:
        listener.bind((ports.LOOPBACK, ports.any_free()))
        listener.listen()
        yield listener.getsockname()[1]


def test_any_free_port_is_below_the_ephemeral_range() -> None:
    assert ports.LOWEST_PORT <= ports.any_free() < ports.EPHEMERAL_START


def test_a_kept_port_goes_before_a_preferred_one() -> None:
    kept, preferred = ports.any_free(), ports.any_free()
    assert ports.choose(["kafka"], {"kafka": kept}, {"kafka": preferred}) == {"kafka": kept}
    assert ports.choose(["kafka"], {}, {"kafka": preferred}) == {"kafka": preferred}


def test_a_taken_port_is_replaced(taken_port: int) -> None:
    chosen = ports.choose(["kafka"], {"kafka": taken_port}, {})
    assert chosen["kafka"] != taken_port


def test_two_names_never_get_one_port() -> None:
    port = ports.any_free()
    chosen = ports.choose(["kafka", "valkey"], {}, {"kafka": port, "valkey": port})
    assert len(set(chosen.values())) == 2


def test_a_taken_port_is_an_error_that_says_what_to_type(taken_port: int) -> None:
    with pytest.raises(PortInUse, match=rf"port {taken_port} is in use .*\n.*--port {taken_port + 10}"):
        check_port(taken_port)
