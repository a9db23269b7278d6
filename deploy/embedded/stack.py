"""The whole system of one data folder: servers, topics, schemas, services, demo clinic, supervision.

One process at a time runs a folder (it holds `lock`); everybody else reads the state file and asks the components
themselves. Called by `deploy.commands`.
"""

import contextlib
import fcntl
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from deploy import blocking, databases
from deploy.embedded import report
from deploy.embedded.failure import StackError
from deploy.embedded.jars import cached
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.process import ProcessId
from deploy.embedded.servers import EmbeddedServers, Server, Started
from deploy.embedded.services import Services
from deploy.embedded.supervisor import supervise
from deploy.environment import base_url
from deploy.failure import Failure, Unreachable

PREFERRED_PORTS = {"postgres": 5433, "kafka": 9092, "kafka_controller": 9093, "valkey": 6380}
PREFERRED_SERVICE_PORTS = {"availability": 8001, "booking": 8002, "queue": 8003}
# Gateway 30 s, services 30 s, Kafka 30 s, Valkey 10 s, PostgreSQL 30 s, should each of them use up its grace.
STOP_TIMEOUT_SECONDS = 140.0
# Ctrl-C, `frontdesk down`, a closed terminal.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


def home() -> Path:
    """The data folder: FRONTDESK_HOME, else `.frontdesk` in the working folder."""
    return Path(os.environ.get("FRONTDESK_HOME") or ".frontdesk").absolute()


class Stack:
    """The system of one folder, as the process sees it that runs it."""

    def __init__(self, folder: Path, http_port: int) -> None:
        self.screen = report.console()
        self._http_port = http_port
        self._began = time.monotonic()
        self._services: Services | None = None
        self._fetched = ""
        self.servers = EmbeddedServers(folder, PREFERRED_PORTS, on_started=self._print_started)
        self.servers.state.load()  # another layout is refused before anything is touched

    def run(self) -> None:
        """Start, watch and finally stop everything; returns after Ctrl-C or SIGTERM, raises if it cannot go on."""
        for stopping in STOP_SIGNALS:
            signal.signal(stopping, signal.default_int_handler)
        with running_alone(self.servers.folder):
            try:
                self._start()
                supervise(self._components(), self.servers.logs)
            except KeyboardInterrupt:
                self.screen.print(" stopping; data is kept")
            finally:
                self._stop()

    def _start(self) -> None:
        self.screen.print(report.heading())
        with self.servers.state.changing() as state:
            state.supervisor = ProcessId(os.getpid(), psutil.Process().create_time())
            state.components = []
        leftovers = self.servers.state.end_leftovers()
        if leftovers:
            self.screen.print(f"  stopped what an earlier run left: {', '.join(leftovers)}")
        self.servers.claims.demand("gateway", self._http_port)
        self._start_servers()
        self._prepare_stores()
        services = self._services = Services(self.servers, preferred_ports=PREFERRED_SERVICE_PORTS, http_port=self._http_port)
        services.start()
        demo = self._seed(services)
        seconds = time.monotonic() - self._began
        self.screen.print(report.ticks([service.name for service in services], f"ready in {seconds:.1f} s"))
        self._announce(demo)

    def _start_servers(self) -> None:
        if not cached():
            began = time.monotonic()
            with report.download_progress(self.screen) as progress:
                self.servers.fetch(progress)
            self._fetched = f"jars fetched once, {time.monotonic() - began:.0f} s"
        self.servers.start()
        for note in self.servers.servers.postgres.notes:
            self.screen.print(f"    {note}")

    def _print_started(self, started: Started) -> None:
        server = started.server
        note = self._fetched if server.name == "kafka" else ""
        self.screen.print(report.component_line(server.title, server.port, started.seconds, note))

    def _prepare_stores(self) -> None:
        from deploy.topics import create_topics

        topics = blocking.run(create_topics(self.servers.kafka_bootstrap))
        for difference in topics.differences:
            self.screen.print(f"    not as declared: {difference}")
        migrate(self.servers)

    def _seed(self, services: Services) -> dict[str, str] | None:
        """Ids to try things with. A clinic that cannot be made is no reason not to run: the data may be of real use by now."""
        from deploy.seed import seed

        try:
            demo = seed(services.url("gateway"))
        except Failure as failure:
            self.screen.print(report.ticks(["topics", "migrations"]))
            self.screen.print(f"    {failure}\n    try: frontdesk seed")
            return None
        self.screen.print(report.ticks(["topics", "migrations", "demo clinic"]))
        if demo.missing:
            self.screen.print(f"    of the demo clinic these are gone: {', '.join(demo.missing)}")
        if not (demo.doctor_ids and demo.patient_ids):
            return None
        return {"doctor_id": demo.doctor_ids[0], "patient_id": demo.patient_ids[0]}

    def _announce(self, demo: dict[str, str] | None) -> None:
        """Keep what others need to know of the running stack, and print it."""
        with self.servers.state.changing() as state:
            state.demo = demo
            state.components = [_row(component, self._kind(component)) for component in self._components()]
            known = {"components": state.components, "demo": demo, **places(self.servers.folder)}
        for line in report.place_lines(known):
            self.screen.print(line)

    def _kind(self, component: Server) -> str:
        return "server" if component in tuple(self.servers.servers) else "service"

    def _components(self) -> list[Server]:
        return [*self.servers.servers, *(self._services or ())]

    def _stop(self) -> None:
        """Gateway, services, Kafka, Valkey, PostgreSQL; a second Ctrl-C does not cut it short."""
        for stopping in STOP_SIGNALS:
            signal.signal(stopping, signal.SIG_IGN)
        if self._services is not None:
            self._services.stop()
        self.servers.stop()
        with self.servers.state.changing() as state:
            state.supervisor = None
            state.components = []


def migrate(servers: EmbeddedServers) -> list[str]:
    """Roles, databases and schemas of all services; returns the services that have migrations."""
    passwords = servers.secrets.passwords(databases.role_names())
    databases.prepare(servers.postgres_dsn(), passwords)
    return databases.migrate(databases.owner_dsns(servers.postgres_dsn(), passwords))


def places(folder: Path) -> dict[str, str]:
    """Folders for a person: relative to the working folder where that is shorter."""
    shown = folder.relative_to(Path.cwd()) if folder.is_relative_to(Path.cwd()) else folder
    return {"data": f"{shown}/data", "logs": f"{shown}/logs"}


def status_of(folder: Path, probe: bool = True) -> dict[str, Any]:
    """What runs in a folder, asked of the components themselves unless not to `probe`; the shape of `status --json`."""
    servers = EmbeddedServers(folder)
    state = servers.state.load()
    running = state.supervisor is not None and state.supervisor.find() is not None
    rows = state.components if running else []
    return {
        "version": report.frontdesk_version(),
        "running": running,
        "ready": bool(rows),
        "supervisor_pid": state.supervisor.pid if running and state.supervisor else None,
        "components": [_looked_at(servers, row, state.processes.get(row["name"]), probe) for row in rows],
        "leftovers": [] if running else servers.state.leftovers(),
        "demo": state.demo,
        **places(folder),
    }


def _row(component: Server, kind: str) -> dict[str, Any]:
    return {
        "name": component.name,
        "kind": kind,
        "title": component.title,
        "address": f"{LOOPBACK}:{component.port}",
        "log": str(component.process.log),
    }


def _looked_at(servers: EmbeddedServers, row: dict[str, Any], identity: ProcessId | None, probe: bool) -> dict[str, Any]:
    """The row of a component with its pid and, if it is to be probed, how it is."""
    port = int(row["address"].rpartition(":")[2])
    state = "unknown"
    if probe:
        ours = identity is not None and identity.listens(port)
        state = _probed(servers, row, port) if ours else "unreachable"
    return {**row, "pid": identity.pid if identity else None, "state": state}


def _probed(servers: EmbeddedServers, row: dict[str, Any], port: int) -> str:
    """`ready` if the component answers as it should, else `unreachable`."""
    from deploy.embedded.services import probe_http

    try:
        if row["kind"] == "service":
            probe_http(port)
        else:
            servers.attach()
            getattr(servers.servers, row["name"]).probe()
    except Exception:  # noqa: BLE001  # whatever its client raises: it does not answer
        return "unreachable"
    return "ready"


def stop(folder: Path, purge: bool) -> bool:
    """Stop what runs in a folder, leftovers too; `purge` removes its data. Tells whether anything ran."""
    servers = EmbeddedServers(folder)
    supervisor = servers.state.load().supervisor
    ran = supervisor is not None and supervisor.find() is not None
    if supervisor is not None:
        supervisor.end(STOP_TIMEOUT_SECONDS)
    leftovers = servers.state.end_leftovers() if folder.exists() else []
    if purge:
        servers.purge()
    return ran or bool(leftovers)


def running_servers() -> EmbeddedServers:
    """The servers of the stack that runs in the data folder. Raises `Unreachable` if none does."""
    folder = home()
    if not status_of(folder, probe=False)["running"]:
        raise Unreachable("nothing is running\n  try: frontdesk up")
    servers = EmbeddedServers(folder)
    servers.attach()
    return servers


def gateway_url(folder: Path) -> str:
    """Address of the running gateway of a folder."""
    rows = {row["name"]: row for row in EmbeddedServers(folder).state.load().components}
    if "gateway" not in rows:
        raise StackError(f"nothing runs in {folder}\n  try: frontdesk up")
    return base_url(int(rows["gateway"]["address"].rpartition(":")[2]))


@contextlib.contextmanager
def running_alone(folder: Path) -> Iterator[None]:
    """Hold the folder's lock; it goes with the process, however that ends."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as held:
            raise StackError(f"another process is starting or stopping the stack of {folder}\n  try: frontdesk status") from held
        yield
