"""The real servers of a test session: started once, with roles, databases and topics, and gone afterwards with all their data.

`TEST_BACKEND` says who runs them: the embedded stack unless told otherwise, containers, or somebody at given addresses. Tests
isolate themselves by a clinic of their own (row level security keeps the rest apart), by topics and by groups of their own.
Called by `tests/conftest.py`, and by systems that tests build for themselves.
"""

import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.environment import settings_of
from deploy.embedded.servers import EmbeddedServers
from deploy.stores import databases, migrations
from tests.support.prepared import prepare
from tests.support.stores import Stores, embedded_stores

EMBEDDED, CONTAINERS, GIVEN = BACKENDS = ("embedded", "testcontainers", "urls")
UNUSED_PORT = 1
"""A port on which nobody listens: services built in the test's own process serve no HTTP."""


@dataclass(frozen=True)
class Running:
    """Servers that run, and what may be done to them: nothing if they are not ours."""

    servers: Backend
    stores: Stores | None


def chosen() -> str:
    """The backend of this session."""
    return os.environ.get("TEST_BACKEND") or EMBEDDED


@contextmanager
def running_servers() -> Iterator[Running]:
    """Prepared servers of the chosen backend."""
    if chosen() == EMBEDDED:
        with embedded_servers() as embedded:
            yield Running(embedded, embedded_stores(embedded))
    elif chosen() == CONTAINERS:
        # Imported late: the client of Docker takes half a second that no other session should wait for.
        from tests.support.containers import containers

        with own_folder() as folder, containers(folder) as created:
            yield Running(created, created.stores)
    else:
        from tests.support.given import given

        with own_folder() as folder, given(folder) as foreign:
            yield Running(foreign, None)


@contextmanager
def embedded_servers() -> Iterator[EmbeddedServers]:
    """Embedded servers on free ports in a folder of their own, whatever backend was chosen."""
    with own_folder() as folder:
        servers = EmbeddedServers(folder)
        try:
            servers.start()
            prepare(servers)
            yield servers
        finally:
            servers.stop()
            if not keeps_data():
                servers.purge()


@contextmanager
def own_folder() -> Iterator[Path]:
    """A folder that is gone afterwards, unless it is to be looked at."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-test-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account than ours
    try:
        yield folder
    finally:
        if not keeps_data():
            shutil.rmtree(folder, ignore_errors=True)


def keeps_data() -> bool:
    """Whether data and logs stay after the session."""
    return os.environ.get("KEEP_TEST_DATA", "0") != "0"


Migrate: TypeAlias = Callable[[Mapping[str, str]], object]
"""Brings databases to a schema; it gets their owners' URLs by service."""


class Databases:
    """The services' databases, each migrated when it is first asked for: to the newest schema, or as `migrate` does it."""

    def __init__(self, servers: Backend, migrate: Migrate = migrations.migrate) -> None:
        self._servers = servers
        self._migrate = migrate
        self._migrated: set[str] = set()

    def app(self, service: str) -> str:
        """URL of the service's process."""
        self.migrate(service)
        return databases.app_dsns(self._servers.postgres_dsn(), self._passwords())[service]

    def owner(self, service: str) -> str:
        """URL of the role that owns the schema."""
        self.migrate(service)
        return self._owner(service)

    def superuser(self, service: str) -> str:
        """URL of the server's superuser, whom no policy binds: to look at everything, or to break something."""
        self.migrate(service)
        return self._servers.postgres_dsn(service)

    def reader(self) -> str:
        """URL of the role that reads everything and writes nothing, as operations use it."""
        self.migrated_services()
        return databases.dsn_of(
            self._servers.postgres_dsn(), databases.READER_ROLE, self._passwords()[databases.READER_ROLE], "postgres"
        )

    def migrate(self, service: str) -> None:
        """Bring the service's database to its schema, once a session."""
        if service not in self._migrated:
            self._migrate({service: self._owner(service)})
            self._migrated.add(service)

    def migrated_services(self) -> list[str]:
        """Migrate whatever has migrations; returns those services."""
        present = [service for service in installation.names() if migrations.migrations_folder(service)]
        for service in present:
            self.migrate(service)
        return present

    def _owner(self, service: str) -> str:
        return databases.owner_dsns(self._servers.postgres_dsn(), self._passwords())[service]

    def _passwords(self) -> dict[str, str]:
        return self._servers.secrets.passwords(databases.role_names())


def environment_of(servers: Backend, service: str, instance: str | None = None) -> dict[str, str]:
    """The environment of a service that a test builds in its own process."""
    return settings_of(service, instance or f"{service}-test", servers, defaultdict(lambda: UNUSED_PORT))
