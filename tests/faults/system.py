"""A whole Frontdesk of one test module's own, whose servers and services may be killed, stopped and started again."""

import asyncio
import contextlib
from collections.abc import Iterator

import psutil

from deploy.embedded import EmbeddedServers
from deploy.embedded.failure import StartFailed
from deploy.embedded.services import Services
from tests.support.servers import Databases, embedded_servers
from tests.support.waiting import eventually

SETTINGS = {"FRONTDESK_KAFKA__SESSION_TIMEOUT_MS": "6000"}
"""The shortest that is allowed: so long the partitions of a killed process wait for their next owner."""


class System:
    """The servers, the services on them, and what a test does to either."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self.servers = servers
        self.databases = Databases(servers)
        self.databases.migrated_services()
        self.services = Services(servers, settings=SETTINGS)

    @property
    def url(self) -> str:
        """Where clients ask."""
        return self.services.url("gateway")

    async def crash(self, service: str) -> None:
        """`kill -9` of a service."""
        await asyncio.to_thread(self.services[service].process.kill)

    async def start(self, service: str) -> None:
        """Brings a service back; returns when it is ready."""
        await asyncio.to_thread(self.services[service].start)

    async def crash_postgres(self) -> None:
        """`kill -9` of the server with all its backends, which lead groups of their own."""
        process = self.servers.servers.postgres.process
        assert process.id is not None
        backends = psutil.Process(process.id.pid).children(recursive=True)
        await asyncio.to_thread(process.kill)
        for backend in backends:
            with contextlib.suppress(psutil.NoSuchProcess):
                backend.kill()
        await asyncio.to_thread(psutil.wait_procs, backends, 5)

    async def start_postgres(self) -> None:
        """Brings it back; it refuses to start while the kernel still counts its dead backends."""

        async def started() -> bool:
            try:
                await asyncio.to_thread(self.servers.servers.postgres.start)
            except StartFailed:
                return False
            return True

        await eventually(started)

    async def restart(self) -> None:
        """Stops every process and starts every process again, on the same data."""
        await asyncio.to_thread(self.services.stop)
        await asyncio.to_thread(self.servers.stop)
        await asyncio.to_thread(self.servers.start)
        self.services = Services(self.servers, settings=SETTINGS)
        await asyncio.to_thread(self.services.start)


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
