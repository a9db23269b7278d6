"""The three servers of the embedded stack, on their own ports and in their own folder.

Several may run on one machine, which is how `make test` and `make up` stand side by side. Called by the supervisor
of `frontdesk up` and by pytest session fixtures.
"""

import contextlib
import functools
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from deploy.embedded import kafka_archive
from deploy.embedded.account import purge_open_folder
from deploy.embedded.backend import Backend
from deploy.embedded.failure import StackError
from deploy.embedded.jars import DownloadProgress, kafka_jars
from deploy.embedded.kafka import Kafka
from deploy.embedded.postgres import Postgres
from deploy.embedded.process import Process
from deploy.embedded.valkey import Valkey

PORT_NAMES = ("postgres", "kafka", "kafka_controller", "valkey")
DATA = "data"
UNDO_INTERVAL_SECONDS = 0.2


class Server(Protocol):
    """What the three have in common."""

    @property
    def name(self) -> str: ...
    @property
    def title(self) -> str: ...

    port: int
    process: Process

    def start(self) -> None: ...
    def probe(self) -> None: ...
    def stop(self) -> None: ...


@dataclass(frozen=True)
class Started:
    """A server that has become ready, and how long that took."""

    server: Server
    seconds: float


class EmbeddedServers(Backend):
    """PostgreSQL, Kafka and Valkey below one folder; `start` returns when all three answer."""

    def __init__(
        self,
        folder: Path,
        ports: Mapping[str, int] | None = None,
        on_started: Callable[[Started], None] | None = None,
    ) -> None:
        """`ports` are preferred ones by name (`PORT_NAMES`); those of the last start go before them."""
        super().__init__(folder)
        self._preferred = dict(ports or {})
        self._on_started = on_started
        self._servers: Servers | None = None

    @property
    def servers(self) -> "Servers":
        """The three, once `start` has chosen their ports."""
        if self._servers is None:
            raise RuntimeError("start() comes first")
        return self._servers

    @property
    def kafka_bootstrap(self) -> str:
        return self.servers.kafka.bootstrap

    @property
    def redis_url(self) -> str:
        return self.servers.valkey.url

    def postgres_dsn(self, database: str = "postgres") -> str:
        return self.servers.postgres.dsn(database)

    def fetch(self, progress: DownloadProgress | None = None) -> None:
        """Download and make what is not in the user's cache yet; `start` does it too, silently."""
        kafka_jars(progress)
        kafka_archive.make(self.state.remember)

    def start(self) -> None:
        """Start the three side by side; if one fails, the others are stopped before the error goes on."""
        self.state.end_leftovers()
        self.fetch()
        chosen = self.claims.choose(PORT_NAMES, self.state.load().ports, self._preferred)
        self.state.keep_ports(chosen)
        self._servers = self._make(chosen)
        start_together([functools.partial(self._start, server) for server in self._servers], self.stop)

    def attach(self) -> None:
        """Know the servers that another process started in this folder, by the ports it kept."""
        kept = self.state.load().ports
        if not kept.keys() >= set(PORT_NAMES):
            raise StackError(f"no stack was ever started in {self.folder}\n  try: frontdesk up")
        self._servers = self._make(kept)

    def stop(self) -> None:
        """Stop Kafka, Valkey and PostgreSQL in this order; data is kept."""
        for server in self._servers or ():
            server.stop()
            self.state.forget(server.name)
        self.claims.release()

    def purge(self) -> None:
        """Remove all data of the stopped servers, also what lives outside of the folder."""
        purge_open_folder(self.folder / DATA / "postgres")
        # By name, not the folder as a whole: whoever set FRONTDESK_HOME may keep other things there.
        for own in (DATA, self.logs.name, self.secrets.folder.name):
            shutil.rmtree(self.folder / own, ignore_errors=True)
        for file in (self.state.path, self.folder / "lock"):
            file.unlink(missing_ok=True)
        with contextlib.suppress(OSError):
            self.folder.rmdir()

    def _make(self, chosen: Mapping[str, int]) -> "Servers":
        data = self.folder / DATA
        servers = Servers(
            kafka=Kafka(data / "kafka", self.logs, chosen["kafka"], chosen["kafka_controller"], kafka_archive.java_options()),
            valkey=Valkey(data / "valkey", self.logs, chosen["valkey"]),
            postgres=Postgres(data / "postgres", self.logs, chosen["postgres"], self.secrets),
        )
        for server in servers:
            server.process.on_start = self.state.remember
        return servers

    def _start(self, server: Server) -> None:
        began = time.monotonic()
        server.start()
        if self._on_started is not None:
            self._on_started(Started(server, time.monotonic() - began))


class Servers(NamedTuple):
    """The three servers, in the order in which they are stopped."""

    kafka: Kafka
    valkey: Valkey
    postgres: Postgres


def start_together(starts: Sequence[Callable[[], None]], undo: Callable[[], None]) -> None:
    """Run starts side by side; if one fails, or the wait is interrupted, none is left running when the error goes on."""
    with ThreadPoolExecutor(max_workers=len(starts), thread_name_prefix="start") as pool:
        running = [pool.submit(start) for start in starts]
        try:
            for done in running:
                done.result()
        except BaseException:
            # What is being started meanwhile ends as soon as its process does.
            while wait(running, timeout=UNDO_INTERVAL_SECONDS).not_done:
                undo()
            undo()
            raise
