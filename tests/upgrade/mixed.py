"""A system whose processes run from two releases, side by side and one after the other. Called by the tests of this folder."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg

from deploy.embedded.backend import Backend
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import Service, Services
from deploy.stores import migrations
from tests.faults.system import OF_EACH, SERVICES, System, instances
from tests.support.servers import embedded_servers
from tests.upgrade.releases import Release

SETTINGS = {"FRONTDESK_KAFKA__SESSION_TIMEOUT_MS": "6000"}
"""The shortest session that every release takes."""


class Mixed(System):
    """All processes run from one release until they are replaced."""

    def __init__(self, servers: EmbeddedServers, release: Release, of_each: int = OF_EACH) -> None:
        self._first = release
        self.of_each = of_each
        super().__init__(servers, release.migrate)

    def make(self, servers: Backend | None = None) -> Services:
        """The processes, not started."""
        services = Services(servers or self.servers, dict.fromkeys(SERVICES, self.of_each), settings=SETTINGS)
        for service in SERVICES:
            for name in instances(service, self.of_each):
                _run_from(self._first, service, services[name])
        return services

    async def migrate(self) -> None:
        """Brings the databases to the newest schema, as `frontdesk migrate` does, whatever runs on them meanwhile."""
        await asyncio.to_thread(migrations.migrate, {service: self.databases.owner(service) for service in SERVICES})

    async def revisions(self) -> dict[str, str]:
        """The schema that each database has."""
        return {service: await _revision(dsn) for service, dsn in self.dsns.items()}

    async def replace(self, service: str, release: Release) -> None:
        """Replaces the processes of a service, one after the other, each once the one before is ready."""
        for name in instances(service, self.of_each):
            await self.stop(name)
            _run_from(release, service, self.services[name])
            await self.start(name)


async def _revision(dsn: str) -> str:
    session = await asyncpg.connect(dsn)
    try:
        return str(await session.fetchval("SELECT version_num FROM alembic_version"))
    finally:
        await session.close()


def _run_from(release: Release, service: str, instance: Service) -> None:
    process = instance.process
    process.command = (str(release.python), "-m", f"services.{service}")
    process.env = release.environment(process.env)


@contextmanager
def running_mixed(release: Release, of_each: int = OF_EACH) -> Iterator[Mixed]:
    """A system that runs from a release on its schema, gone afterwards with all its data."""
    with embedded_servers() as servers:
        system = Mixed(servers, release, of_each)
        system.services.start()
        try:
            yield system
        finally:
            system.services.stop()


async def all_replaced(system: Mixed, order: tuple[str, ...], release: Release) -> None:
    """Every process of every service, in this order of the services."""
    for service in order:
        await system.replace(service, release)
