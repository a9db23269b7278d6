"""Which ports the stack listens on: free ones below the ephemeral range, kept over restarts.

From 32768 on any client socket of the machine may hold a port for a moment; below it only servers do.
"""

import random
import socket
from collections.abc import Iterable, Mapping

import psutil

LOOPBACK = "127.0.0.1"
LOWEST_PORT = 20_000
EPHEMERAL_START = 32_768
ATTEMPTS = 500


def is_free(port: int) -> bool:
    """Whether a server could listen on the port of the loopback address now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
        return True


def answers(port: int) -> None:
    """Raise unless somebody listens on the port of the loopback address."""
    with socket.create_connection((LOOPBACK, port), timeout=1):
        pass


def choose(names: Iterable[str], kept: Mapping[str, int], preferred: Mapping[str, int]) -> dict[str, int]:
    """A free port for each name: the one it had, else the preferred one, else any."""
    chosen: dict[str, int] = {}
    for name in names:
        wished = [port for port in (kept.get(name), preferred.get(name)) if port is not None]
        taken = set(chosen.values())
        chosen[name] = next((port for port in wished if port not in taken and is_free(port)), None) or any_free(taken)
    return chosen


def any_free(taken: Iterable[int] = ()) -> int:
    """Some free port; picked at random, so that two stacks that start together rarely try the same."""
    excluded = set(taken)
    for _ in range(ATTEMPTS):
        port = random.randrange(LOWEST_PORT, EPHEMERAL_START)
        if port not in excluded and is_free(port):
            return port
    raise RuntimeError(f"no free port found between {LOWEST_PORT} and {EPHEMERAL_START - 1}")


def holder(port: int) -> int | None:
    """Pid of whoever listens on a port, if this user may know."""
    try:
        connections = psutil.net_connections(kind="tcp")
    except psutil.AccessDenied:
        return None
    for connection in connections:
        if connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port:
            return connection.pid
    return None
