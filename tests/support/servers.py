"""The real servers of a test session: started once, with roles, databases and topics, and gone afterwards with all their data.

Tests isolate themselves by a clinic of their own (row level security keeps the rest apart), by topics and by groups of their own.
Called by `tests/conftest.py` only.
"""

import os
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from deploy import blocking, databases, topics
from deploy.embedded import EmbeddedServers
from deploy.environment import settings_of

UNUSED_PORT = 1
"""A port on which nobody listens: services built in the test's own process serve no HTTP."""


class Servers(Protocol):
    """What a backend offers; another one than the embedded servers fits in behind it."""

    @property
    def kafka_bootstrap(self) -> str: ...
    @property
    def redis_url(self) -> str: ...
    def postgres_dsn(self, database: str = "postgres") -> str: ...


@contextmanager
def embedded_servers() -> Iterator[EmbeddedServers]:
    """Servers on free ports in a folder of their own, prepared as `frontdesk up` prepares them."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-test-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account than ours
    servers = EmbeddedServers(folder)
    try:
        servers.start()
        databases.prepare(servers.postgres_dsn(), servers.secrets.passwords(databases.role_names()))
        blocking.run(topics.create_topics(servers.kafka_bootstrap))
        yield servers
    finally:
        servers.stop()
        if os.environ.get("KEEP_TEST_DATA", "0") == "0":
            servers.purge()


class Databases:
    """The services' databases, each migrated when it is first asked for."""

    def __init__(self, servers: EmbeddedServers) -> None:
        self._servers = servers
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

    def migrate(self, service: str) -> None:
        """Bring the service's database to the newest schema, once a session."""
        if service not in self._migrated:
            databases.migrate({service: self._owner(service)})
            self._migrated.add(service)

    def migrated_services(self) -> list[str]:
        """Migrate whatever has migrations; returns those services."""
        present = [service for service in databases.SERVICES if databases.migrations_folder(service)]
        for service in present:
            self.migrate(service)
        return present

    def _owner(self, service: str) -> str:
        return databases.owner_dsns(self._servers.postgres_dsn(), self._passwords())[service]

    def _passwords(self) -> dict[str, str]:
        return self._servers.secrets.passwords(databases.role_names())


def environment_of(servers: EmbeddedServers, service: str, instance: str | None = None) -> dict[str, str]:
    """The environment of a service that a test builds in its own process."""
    return settings_of(service, instance or f"{service}-test", servers, defaultdict(lambda: UNUSED_PORT))
