"""What a test may do to the servers of its session: kill, freeze, stop them and bring them back, whoever runs them.

A test asks for the fixture `stores`; where nobody can do this (given addresses) it is left out. A server keeps its port and
its data. Calls wait, so a coroutine makes them in a thread.
"""

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import psutil
from tenacity import Retrying, retry_if_exception_type, stop_after_delay, wait_fixed

from deploy.embedded.failure import StartFailed
from deploy.embedded.servers import EmbeddedServers, Server, start_together
from deploy.embedded.services import Services

GONE_WITHIN_SECONDS = 10.0
BACK_WITHIN_SECONDS = 30.0
INTERVAL_SECONDS = 0.2


class Store(Protocol):
    """One server."""

    def kill(self) -> None:
        """As a crash does, all its processes at once; returns when they are gone."""

    def stop(self) -> None:
        """Gently, as an operator does."""

    def start(self) -> None:
        """Bring it back with its data; returns when it answers."""

    def freeze(self) -> None:
        """It stands still, and its connections stay open."""

    def thaw(self) -> None:
        """It goes on where it stood."""


@dataclass(frozen=True)
class Stores:
    """The three servers of a session."""

    kafka: Store
    redis: Store
    postgres: Store

    def stop(self) -> None:
        """All of them, gently."""
        for store in (self.kafka, self.redis, self.postgres):
            store.stop()

    def start(self) -> None:
        """All of them, side by side."""
        start_together([self.kafka.start, self.redis.start, self.postgres.start], self.stop)


def restart(services: Services, stores: Stores) -> None:
    """Stops every process in order, services and servers, and starts every process again, on the same data."""
    services.stop()
    stores.stop()
    stores.start()
    services.start()


class EmbeddedStore:
    """A server that is a child of this process; which one is asked each time, a restart of all makes them anew."""

    def __init__(self, server: Callable[[], Server]) -> None:
        self._server = server

    def kill(self) -> None:
        processes = self._processes()
        self._server().process.kill()
        for process in processes:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.kill()
        psutil.wait_procs(processes, GONE_WITHIN_SECONDS)

    def stop(self) -> None:
        self._server().stop()

    def start(self) -> None:
        """PostgreSQL refuses to start while the kernel still counts its dead backends: until then again."""
        again, stop = retry_if_exception_type(StartFailed), stop_after_delay(BACK_WITHIN_SECONDS)
        Retrying(retry=again, stop=stop, wait=wait_fixed(INTERVAL_SECONDS), reraise=True)(self._server().start)

    def freeze(self) -> None:
        for process in self._processes():
            process.suspend()

    def thaw(self) -> None:
        for process in self._processes():
            process.resume()

    def _processes(self) -> list[psutil.Process]:
        """The server and what it started: PostgreSQL's backends lead groups of their own."""
        identity = self._server().process.id
        assert identity is not None, "it does not run"
        server = psutil.Process(identity.pid)
        return [server, *server.children(recursive=True)]


def embedded_stores(servers: EmbeddedServers) -> Stores:
    """The three of the embedded stack."""
    return Stores(
        kafka=EmbeddedStore(lambda: servers.servers.kafka),
        redis=EmbeddedStore(lambda: servers.servers.valkey),
        postgres=EmbeddedStore(lambda: servers.servers.postgres),
    )
