"""A whole Frontdesk with two of each service, whose servers and services may be killed, stopped and started again by name."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import Service, Services, instance_name
from deploy.stores import migrations
from tests.support.servers import Databases, Migrate, embedded_servers
from tests.support.stack import SHORT_SESSIONS
from tests.support.stores import Store, embedded_stores, restart

SERVICES = installation.names()

IMPATIENT = {"FRONTDESK_QUESTION_AFTER_SECONDS": "2"}
"""Of availability: while booking is away, and also when it is only slow, it is asked what became of a reservation."""
OF_EACH = 2
STORE_OF = {"valkey": "redis"}
"""What a server is called, where its name is another."""


class System:
    """The servers, the services on them, and what a test does to either, by name: `booking-2`, `kafka`, `redis`."""

    of_each = OF_EACH
    """So many processes of each service."""

    def __init__(self, servers: EmbeddedServers, migrate: Migrate = migrations.migrate) -> None:
        self.servers = servers
        self.stores = embedded_stores(servers)
        self.databases = Databases(servers, migrate)
        self.databases.migrated_services()
        self.services = self.make()
        self.injected: list[bytes] = []
        """What tests wrote that nobody can read: the only dead letters that there may be."""

    def make(self, servers: Backend | None = None) -> Services:
        """The service processes, two of each, not started; on other servers only for how they are reached."""
        services = Services(servers or self.servers, dict.fromkeys(SERVICES, OF_EACH), settings=SHORT_SESSIONS)
        for name in instances("availability"):
            process = services[name].process
            process.env = {**process.env, **IMPATIENT}
        return services

    @property
    def urls(self) -> list[str]:
        """Where clients ask: each gateway."""
        return [self.services.url(name) for name in instances("gateway", self.of_each)]

    @property
    def dsns(self) -> dict[str, str]:
        """The databases as the superuser sees them, whom no clinic's policy binds."""
        return {service: self.databases.superuser(service) for service in SERVICES}

    async def crash(self, name: str) -> None:
        """`kill -9`."""
        store = self._stores.get(name)
        await asyncio.to_thread(store.kill if store else self.services[name].process.kill)

    async def stop(self, name: str) -> None:
        """Gently, as an operator does; returns when it has ended."""
        await asyncio.to_thread(self._of(name).stop)

    async def start(self, name: str) -> None:
        """Brings it back; returns when it is ready."""
        await asyncio.to_thread(self._of(name).start)

    @asynccontextmanager
    async def frozen(self, name: str) -> AsyncIterator[None]:
        """A server stands still with its connections open, and goes on at the end."""
        self._stores[name].freeze()
        try:
            yield
        finally:
            self._stores[name].thaw()

    @asynccontextmanager
    async def through(self, servers: Backend) -> AsyncIterator[None]:
        """The services reach their servers another way inside of this. Afterwards they are as if a test had left them dead."""
        await asyncio.to_thread(self.services.stop)
        self.services = self.make(servers)
        await asyncio.to_thread(self.services.start)
        try:
            yield
        finally:
            await asyncio.to_thread(self.services.stop)
            self.services = self.make()

    async def restart(self) -> None:
        """Stops every process and starts every process again, on the same data."""
        await asyncio.to_thread(restart, self.services, self.stores)

    async def whole(self) -> None:
        """Starts what a test has left dead."""
        for parts in (self.servers.servers, self.services):
            dead = [part.name for part in parts if not part.process.running]
            await asyncio.gather(*(self.start(STORE_OF.get(name, name)) for name in dead))

    @property
    def _stores(self) -> dict[str, Store]:
        return dict(vars(self.stores))

    def _of(self, name: str) -> Store | Service:
        return self._stores.get(name) or self.services[name]


def instances(service: str, of_each: int = OF_EACH) -> list[str]:
    """The names of a service's processes."""
    return [instance_name(service, number) for number in range(1, of_each + 1)]


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
