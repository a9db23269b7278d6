"""The servers as containers of the images that a deployment has, for one session of tests (`TEST_BACKEND=testcontainers`).

What tests depend on is set as on the embedded stack. Ports are chosen beforehand, so a killed server comes back where it was.
A container that ends, or does not answer in time, is an error with its last log lines. Called by `tests.support.servers`.
"""

import asyncio
import contextlib
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from docker.errors import DockerException, NotFound
from testcontainers.core.container import DockerContainer
from testcontainers.core.exceptions import ContainerStartException

from deploy import blocking
from deploy.embedded import kafka, postgres, valkey
from deploy.embedded.backend import Backend
from deploy.embedded.failure import StackError
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.servers import start_together
from deploy.stores import probes
from tests.support.prepared import prepare
from tests.support.stores import Stores

START_TIMEOUT_SECONDS = 120.0
STOP_SECONDS = 30
GONE_WITHIN_SECONDS = 10
INTERVAL_SECONDS = 0.2
LAST_LINES = 20
POSTGRES_PORT, REDIS_PORT, CONTROLLER_PORT = 5432, 6379, 9093
HEAP = "-Xms128m -Xmx384m -XX:+UseSerialGC -XX:TieredStopAtLevel=1"
# Where Kafka's images may write; it outlives a kill, and goes with the container.
KAFKA_DATA = Path("/tmp/kraft-combined-logs")

Probe: TypeAlias = Callable[[], Awaitable[None]]


@dataclass(frozen=True)
class Image:
    """What is run."""

    name: str
    command: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class Container:
    """One server, reached at a port of the loopback address. `create` makes it, `remove` ends it and its data."""

    def __init__(self, image: Image, inside: int, port: int, probe: Probe, log: Path) -> None:
        """`inside` is the port that it listens on, `log` where `remove` leaves what it said."""
        self._image, self._probe, self._log = image, probe, log
        self._docker = DockerContainer(image.name, env=dict(image.environment)).with_command(list(image.command))
        # Its own way of binding a port takes no address, which would open the server to the network.
        self._docker.ports = {str(inside): (LOOPBACK, port)}  # type: ignore[dict-item]

    def create(self) -> None:
        """Let it run, after a pull if need be; it does not answer yet."""
        try:
            self._docker.start()
        except DockerException as error:
            raise StackError(f"the container of {self._image.name} could not be made: {error}") from error

    def remove(self) -> None:
        """It may be gone already, or never have come."""
        with contextlib.suppress(NotFound, ContainerStartException):
            self._log.write_bytes(self._running.logs())
            self._docker.stop()

    def start(self) -> None:
        self._running.start()
        self.wait_ready()

    def stop(self) -> None:
        self._running.stop(timeout=STOP_SECONDS)

    def kill(self) -> None:
        self._running.kill()
        self._running.wait(timeout=GONE_WITHIN_SECONDS)

    def freeze(self) -> None:
        self._running.pause()

    def thaw(self) -> None:
        self._running.unpause()

    def wait_ready(self, within_seconds: float = START_TIMEOUT_SECONDS) -> None:
        """Return when it answers; one that ended, or a deadline that passed, is a `StackError`."""
        blocking.run(self._ready(within_seconds))

    async def _ready(self, within_seconds: float) -> None:
        deadline = time.monotonic() + within_seconds
        while True:
            try:
                return await self._probe()
            except Exception as error:  # noqa: BLE001  # whatever a client raises while nobody answers yet
                last = error
            if (code := self._exit_code()) is not None:
                raise self._failed(f"it ended with code {code}")
            if time.monotonic() > deadline:
                raise self._failed(f"no answer within {within_seconds:.0f} s ({last})")
            await asyncio.sleep(INTERVAL_SECONDS)

    def _exit_code(self) -> int | None:
        """None while it runs."""
        self._running.reload()
        state = self._running.attrs["State"]
        return None if state["Running"] else int(state["ExitCode"])

    def _failed(self, reason: str) -> StackError:
        lines = self._running.logs(tail=LAST_LINES).decode(errors="replace").splitlines()
        quoted = "\n".join(f"    {line}" for line in lines) or "    (empty)"
        return StackError(f"the container of {self._image.name} did not start: {reason}\n  its last log lines:\n{quoted}")

    @property
    def _running(self) -> Any:
        """As the client of Docker knows it."""
        return self._docker.get_wrapped_container()


class Containers(Backend):
    """PostgreSQL, Kafka and Redis as containers; `start` returns when all three answer."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._ports = self.claims.choose(("kafka", "redis", "postgres"), {}, {})
        self._password = self.secrets.value("postgres.password")
        self.logs.mkdir(parents=True)
        answers: dict[str, Probe] = {
            "kafka": functools.partial(probes.kafka, self.kafka_connection),
            "redis": functools.partial(probes.redis, self.redis_url),
            "postgres": functools.partial(probes.postgres, self.postgres_dsn()),
        }
        self._containers = {
            name: Container(image, inside, self._ports[name], answers[name], self.logs / f"{name}.log")
            for name, (image, inside) in images(self._ports["kafka"], self._password).items()
        }

    @property
    def kafka_bootstrap(self) -> str:
        return f"{LOOPBACK}:{self._ports['kafka']}"

    @property
    def redis_url(self) -> str:
        return f"redis://{LOOPBACK}:{self._ports['redis']}/0"

    def postgres_dsn(self, database: str = "postgres") -> str:
        return f"postgresql://{postgres.SUPERUSER}:{self._password}@{LOOPBACK}:{self._ports['postgres']}/{database}"

    @property
    def stores(self) -> Stores:
        """What a test may do to them."""
        return Stores(**self._containers)

    def start(self) -> None:
        """Create one after the other, which is quick, and wait for all side by side; if one fails, the others are given up."""
        for container in self._containers.values():
            container.create()
        start_together([container.wait_ready for container in self._containers.values()], self._kill)

    def remove(self) -> None:
        """Every one, also if one of them cannot be removed."""
        with ExitStack() as removals:
            for container in self._containers.values():
                removals.callback(container.remove)

    def _kill(self) -> None:
        for container in self._containers.values():
            with contextlib.suppress(DockerException):
                container.kill()


def images(kafka_port: int, password: str) -> dict[str, tuple[Image, int]]:
    """The image of each server, and the port inside. Kafka's is that of the outside, as it names it to all, itself included."""
    initdb = " ".join(postgres.INITDB)
    return {
        "kafka": (Image("apache/kafka:4.2.0", environment=kafka_environment(kafka_port)), kafka_port),
        "redis": (Image("redis:8", ("redis-server", *valkey.KEEPS_NOTHING)), REDIS_PORT),
        "postgres": (
            Image(
                "postgres:17",
                ("postgres", *postgres.options({})),
                {"POSTGRES_PASSWORD": password, "POSTGRES_INITDB_ARGS": initdb},
            ),
            POSTGRES_PORT,
        ),
    }


def kafka_environment(port: int) -> dict[str, str]:
    """The node's configuration as its images take it."""
    settings = kafka.settings(KAFKA_DATA, port, CONTROLLER_PORT, address="")
    return {f"KAFKA_{name.upper().replace('.', '_')}": str(value) for name, value in settings.items()} | {"KAFKA_HEAP_OPTS": HEAP}


@contextmanager
def containers(folder: Path) -> Iterator[Containers]:
    """The three while they are needed; removed at the end, whatever happens."""
    try:
        servers = Containers(folder)
    except DockerException as error:
        raise StackError(f"TEST_BACKEND=testcontainers: Docker does not answer: {error}\n  try: docker version") from error
    try:
        servers.start()
        prepare(servers)
        yield servers
    finally:
        servers.remove()
