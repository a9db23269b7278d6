"""Service processes on the session's servers. At most one set runs at a time: two would share the consumer groups.

Fixtures that build a service in the test's own process stop the set for the same reason.
"""

from collections.abc import Mapping

from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from tests.support.servers import Databases

GATEWAYS = ("gateway", "gateway-2")
"""The gateways of a set that has two."""
SHORT_SESSIONS = {"FRONTDESK_KAFKA__SESSION_TIMEOUT_MS": "3000"}
"""So long the partitions of a killed process wait for their next owner, on servers of ours: others may not allow it. Kills are
many, and each waits for this."""


class Stacks:
    """Hands out the one set of service processes that runs."""

    def __init__(self, servers: Backend, databases: Databases, settings: Mapping[str, str]) -> None:
        self._servers = servers
        self._databases = databases
        self._settings = settings
        """Of every set."""
        self._running: tuple[str, Services] | None = None

    def running(self, name: str, instances: Mapping[str, int], settings: Mapping[str, str] | None = None) -> Services:
        """The set of this name, started if it is not the one that runs."""
        if self._running and self._running[0] == name:
            return self._running[1]
        self.stop()
        self._databases.migrated_services()
        services = Services(self._servers, instances, settings={**self._settings, **(settings or {})})
        services.start()
        self._running = (name, services)
        return services

    def stop(self) -> None:
        """Stop what runs, if anything does."""
        if self._running:
            _, services = self._running
            self._running = None
            services.stop()
