"""Runs the whole system of one data folder: servers, topics, schemas, services, demo clinic, supervision.

One process at a time runs a folder (it holds `lock`); everybody else learns of it by `running` beside this module. Called by
`deploy.commands`.
"""

import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil

from deploy import blocking, installation
from deploy.embedded import report
from deploy.embedded.jars import cached
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.process import ProcessId
from deploy.embedded.running import places, running_alone
from deploy.embedded.servers import EmbeddedServers, Server, Started
from deploy.embedded.services import Services
from deploy.embedded.supervisor import supervise
from deploy.failure import Failure
from deploy.seed import seed
from deploy.stores.migrations import prepare_and_migrate
from deploy.stores.topics import create_topics

PREFERRED_PORTS = {"postgres": 5433, "kafka": 9092, "kafka_controller": 9093, "valkey": 6380}
# Ctrl-C, `frontdesk down`, a closed terminal.
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


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
        self.servers.claims.demand(installation.GATEWAY, self._http_port)
        self._start_servers()
        self._prepare_stores()
        services = self._services = Services(self.servers, preferred_ports=installation.ports(), http_port=self._http_port)
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
        topics = blocking.run(create_topics(self.servers.kafka_connection))
        for change in topics.changed:
            self.screen.print(f"    brought into line: {change}")
        for difference in topics.differences:
            self.screen.print(f"    not as declared: {difference}")
        prepare_and_migrate(self.servers.postgres_dsn(), self.servers.secrets)

    def _seed(self, services: Services) -> dict[str, str] | None:
        """Ids to try things with. A clinic that cannot be made is no reason not to run: the data may be of real use by now."""
        try:
            demo = seed(services.url(installation.GATEWAY))
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


def _row(component: Server, kind: str) -> dict[str, Any]:
    return {
        "name": component.name,
        "kind": kind,
        "title": component.title,
        "address": f"{LOOPBACK}:{component.port}",
        "log": str(component.process.log),
    }
