"""The service processes on top of servers: any number of instances of each.

The first instance of a service has the service's name (`gateway`), the next ones a number (`gateway-2`). Called by
the supervisor, and by tests that stop, kill and start single instances.
"""

import http.client
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor

from deploy import installation
from deploy.embedded import environment, ports
from deploy.embedded.backend import Backend
from deploy.embedded.process import Process
from deploy.embedded.servers import start_together

GRACE_SECONDS = 30.0
PROBE_TIMEOUT_SECONDS = 5.0


class Service:
    """One instance of a service."""

    def __init__(self, name: str, port: int, process: Process) -> None:
        self.name = name
        self.title = name
        self.port = port
        self.process = process

    @property
    def url(self) -> str:
        return environment.base_url(self.port)

    def start(self) -> None:
        """Start it and wait until it says that it is ready."""
        self.process.start()
        self.process.wait_ready(self.probe, port=self.port)

    def probe(self) -> None:
        """Raise unless it says that it is ready."""
        probe_http(self.port)

    def stop(self) -> None:
        """SIGTERM, 30 s of grace, then the end."""
        self.process.stop()


class Services:
    """All instances of one stack. `services["gateway-2"].process.kill()` is a crash, `.start()` brings it back."""

    def __init__(
        self,
        servers: Backend,
        instances: Mapping[str, int] | None = None,
        preferred_ports: Mapping[str, int] | None = None,
        http_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """`instances` is how many of each service (one by default), `http_port` the first gateway's for certain.

        `settings` go over those of every process. Ports kept from the last start go before preferred ones.
        """
        self._servers = servers
        self._settings = dict(settings or {})
        self._service_of = {
            instance_name(service, number): service
            for service in installation.names()
            for number in range(1, (instances or {}).get(service, 1) + 1)
        }
        kept = servers.state.load().ports
        if http_port is not None:
            servers.claims.demand(installation.GATEWAY, http_port)
            kept = kept | {installation.GATEWAY: http_port}
        self.ports = servers.claims.choose(self._service_of, kept, preferred_ports or {})
        servers.state.keep_ports(self.ports)
        self._instances = {name: self._make(name) for name in self._service_of}

    def __getitem__(self, instance: str) -> Service:
        return self._instances[instance]

    def __iter__(self) -> Iterator[Service]:
        return iter(self._instances.values())

    def url(self, instance: str) -> str:
        """HTTP address of an instance."""
        return self[instance].url

    def start(self) -> None:
        """Start all side by side; if one fails, the others are stopped before the error goes on."""
        start_together([service.start for service in self], self.stop)

    def stop(self) -> None:
        """Stop the gateways, then the others, which are called by them."""
        for gateways in (True, False):
            members = [self[name] for name, service in self._service_of.items() if (service == installation.GATEWAY) is gateways]
            with ThreadPoolExecutor(max_workers=max(1, len(members)), thread_name_prefix="stop") as pool:
                list(pool.map(self.stop_one, members))

    def stop_one(self, service: Service) -> None:
        """Stop an instance for good: the next start of the stack will not take it for a leftover."""
        service.stop()
        self._servers.state.forget(service.name)

    def _make(self, name: str) -> Service:
        service = self._service_of[name]
        settings = environment.settings_of(service, name, self._servers, self.ports) | self._settings
        process = Process(
            name,
            (sys.executable, "-m", f"services.{service}"),
            self._servers.logs / f"{name}.jsonl",
            env=environment.process_environment(settings),
            grace_seconds=GRACE_SECONDS,
            on_start=self._servers.state.remember,
        )
        return Service(name, self.ports[name], process)


def instance_name(service: str, number: int) -> str:
    """Name of the nth instance, counted from 1."""
    return service if number == 1 else f"{service}-{number}"


def probe_http(port: int) -> None:
    """Raise unless `/health/ready` of a port is 200."""
    connection = http.client.HTTPConnection(ports.LOOPBACK, port, timeout=PROBE_TIMEOUT_SECONDS)
    try:
        connection.request("GET", "/health/ready")
        status = connection.getresponse().status
    finally:
        connection.close()
    if status != http.HTTPStatus.OK:
        raise ConnectionError(f"/health/ready says {status}")
