"""A whole Frontdesk with two of each service, whose servers and services may be killed, stopped and started again by name."""

import asyncio
import contextlib
import os
import signal
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import psutil

from deploy.databases import SERVICES
from deploy.embedded import EmbeddedServers
from deploy.embedded.failure import StartFailed
from deploy.embedded.process import Process
from deploy.embedded.servers import Server
from deploy.embedded.services import Service, Services, instance_name
from tests.support.servers import Databases, embedded_servers
from tests.support.waiting import eventually

SETTINGS = {"FRONTDESK_KAFKA__SESSION_TIMEOUT_MS": "6000"}
"""The shortest that is allowed: so long the partitions of a killed process wait for their next owner."""
OF_EACH = 2


class System:
    """The servers, the services on them, and what a test does to either, by name: `booking-2`, `kafka`, `postgres`, `valkey`."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self.servers = servers
        self.databases = Databases(servers)
        self.databases.migrated_services()
        self.services = self.make()
        self.injected: list[bytes] = []
        """What tests wrote that nobody can read: the only dead letters that there may be."""

    def make(self) -> Services:
        """The service processes, two of each, not started."""
        return Services(self.servers, dict.fromkeys(SERVICES, OF_EACH), settings=SETTINGS)

    @property
    def urls(self) -> list[str]:
        """Where clients ask: each gateway."""
        return [self.services.url(name) for name in instances("gateway")]

    @property
    def dsns(self) -> dict[str, str]:
        """The databases as the superuser sees them, whom no clinic's policy binds."""
        return {service: self.databases.superuser(service) for service in SERVICES}

    def process(self, name: str) -> Process:
        """The process of a server or of an instance of a service."""
        return self._of(name).process

    async def crash(self, name: str) -> None:
        """`kill -9`; of PostgreSQL with all its backends, which lead groups of their own."""
        process = self.process(name)
        assert process.id is not None, f"{name} does not run"
        children = psutil.Process(process.id.pid).children(recursive=True)
        await asyncio.to_thread(process.kill)
        for child in children:
            with contextlib.suppress(psutil.NoSuchProcess):
                child.kill()
        await asyncio.to_thread(psutil.wait_procs, children, 5)

    async def stop(self, name: str) -> None:
        """SIGTERM (PostgreSQL: its fast stop), and its grace."""
        await asyncio.to_thread(self._of(name).stop)

    async def start(self, name: str) -> None:
        """Brings it back as a supervisor would: again if it cannot start yet. Returns when it is ready.

        PostgreSQL, for one, refuses to start while the kernel still counts its dead backends.
        """

        async def started() -> bool:
            try:
                await asyncio.to_thread(self._of(name).start)
            except StartFailed:
                return False
            return True

        await eventually(started)

    @asynccontextmanager
    async def frozen(self, name: str) -> AsyncIterator[None]:
        """It stands still with its connections open, and goes on at the end."""
        process = self.process(name).id
        assert process is not None, f"{name} does not run"
        os.kill(process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(process.pid, signal.SIGCONT)

    async def restart(self) -> None:
        """Stops every process and starts every process again, on the same data."""
        await asyncio.to_thread(self.services.stop)
        await asyncio.to_thread(self.servers.stop)
        await asyncio.to_thread(self.servers.start)
        self.services = self.make()
        await asyncio.to_thread(self.services.start)

    async def whole(self) -> None:
        """Starts what a test that failed has left dead."""
        for name in (*self._servers, *(service.name for service in self.services)):
            if not self.process(name).running:
                await self.start(name)

    @property
    def _servers(self) -> Mapping[str, Server]:
        return {server.name: server for server in self.servers.servers}

    def _of(self, name: str) -> Server | Service:
        return self._servers.get(name) or self.services[name]


def instances(service: str) -> list[str]:
    """The names of a service's processes."""
    return [instance_name(service, number) for number in range(1, OF_EACH + 1)]


@contextlib.contextmanager
def running_system() -> Iterator[System]:
    """A system that runs, gone afterwards with all its data."""
    with embedded_servers() as servers:
        system = System(servers)
        system.services.start()
        try:
            yield system
        finally:
            system.services.stop()
