"""Which ports the stack listens on: free ones below the ephemeral range, kept over restarts, claimed before they are bound.

From 32768 on any client socket of the machine may hold a port for a moment; below it only servers do. A port that was chosen
is bound seconds later, by a child: until then, and while the child is started again, the claim keeps other stacks away from it.
"""

import contextlib
import random
import socket
from collections.abc import Iterable, Mapping
from typing import Any

import psutil

from deploy.embedded.failure import PortInUse

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
    """Raise unless a process listens on the port of the loopback address."""
    with socket.create_connection((LOOPBACK, port), timeout=1):
        pass


class Claims:
    """The ports of one stack, by what listens on them. A port belongs to one stack of the machine at a time.

    A claim is an abstract Unix socket with the port's number in its name: the kernel gives each name once in a network
    namespace, to whatever user, and takes it back when the process that holds it ends.
    """

    def __init__(self) -> None:
        self._sockets: dict[int, socket.socket] = {}
        self._names: dict[int, str] = {}

    def choose(self, names: Iterable[str], kept: Mapping[str, int], preferred: Mapping[str, int]) -> dict[str, int]:
        """A free port for each name: the one it had, else the preferred one, else any. All of them are claimed."""
        return {name: self._first_free(name, (kept.get(name), preferred.get(name))) for name in names}

    def demand(self, name: str, port: int) -> None:
        """Claim exactly this port. Raises `PortInUse`, naming the holder, if it is taken."""
        if self._take(name, port):
            return
        pid = holder(port)
        who = f"process {pid}" if pid else "another user's process"
        raise PortInUse(f"port {port} is in use by {who}\n  try: make up PORT={port + 10}, or: frontdesk up --port {port + 10}")

    def release(self) -> None:
        """Give all ports back."""
        for claim in self._sockets.values():
            claim.close()
        self._sockets.clear()
        self._names.clear()

    def _first_free(self, name: str, wished: Iterable[int | None]) -> int:
        for port in wished:
            if port is not None and self._take(name, port):
                return port
        for _ in range(ATTEMPTS):
            port = any_free()
            if self._take(name, port):
                return port
        raise RuntimeError(f"every free port between {LOWEST_PORT} and {EPHEMERAL_START - 1} is claimed")

    def _take(self, name: str, port: int) -> bool:
        """Claim a port for a name, unless a process listens on it or has claimed it; the name's own claim is no obstacle."""
        if not is_free(port):
            return False
        if port in self._names:
            return self._names[port] == name
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            claim.bind("\0" + _claim_name(port))
        except OSError:
            claim.close()
            return False
        self._sockets[port], self._names[port] = claim, name
        return True


def _claim_name(port: int) -> str:
    return f"frontdesk-port-{port}"


def any_free() -> int:
    """Some free port, which nobody keeps for the caller."""
    for _ in range(ATTEMPTS):
        port = random.randrange(LOWEST_PORT, EPHEMERAL_START)
        if is_free(port):
            return port
    raise RuntimeError(f"no free port found between {LOWEST_PORT} and {EPHEMERAL_START - 1}")


def holder(port: int) -> int | None:
    """Pid of the process that listens on a port or has claimed it, if this user may know."""
    with contextlib.suppress(psutil.AccessDenied):
        for connection in psutil.net_connections(kind="tcp"):
            if _listens(connection, port):
                return connection.pid
        for claim in psutil.net_connections(kind="unix"):
            if str(claim.laddr) == f"@{_claim_name(port)}":
                return claim.pid
    return None


def listens(process: psutil.Process, port: int) -> bool:
    """Whether it is this process that listens on the port. Of another user's process that cannot be seen: it is believed."""
    try:
        return any(_listens(connection, port) for connection in process.net_connections(kind="tcp"))
    except psutil.AccessDenied:
        return True
    except psutil.NoSuchProcess:
        return False


def _listens(connection: Any, port: int) -> bool:
    return bool(connection.status == psutil.CONN_LISTEN and connection.laddr and connection.laddr.port == port)
