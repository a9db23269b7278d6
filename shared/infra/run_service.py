"""A service process from its environment to its end. Called by each service's `__main__.py`."""

import time
from collections.abc import Callable
from types import FrameType
from typing import TypeVar

import structlog
import uvicorn
from fastapi import FastAPI

from shared.infra.health import Readiness
from shared.infra.http_protocol import ProblemProtocol
from shared.infra.logging import configure_logging
from shared.infra.settings import Environment, ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

KEEP_ALIVE_SECONDS = 30
"""Longer than the gateway keeps an idle connection (5 s): a connection is never closed under the request that reuses it."""

log = structlog.get_logger()


def run_service(name: str, settings_class: type[S], create_app: Callable[[S], FastAPI]) -> None:
    """Reads the environment and serves until SIGTERM or SIGINT. A setting that is missing or not valid ends it at once."""
    settings = settings_class.from_environment()
    configure_logging(name, settings.instance, settings.log_level, sql=settings.environment != Environment.PRODUCTION)
    serve(create_app(settings), settings)


def serve(app: FastAPI, settings: ServiceSettings) -> None:
    """Runs a service's HTTP until SIGTERM or SIGINT and its drain; then open requests have the grace to end."""
    config = uvicorn.Config(
        app,
        host=settings.http.host,
        port=settings.http.port,
        http=ProblemProtocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=int(settings.shutdown_grace_seconds),
        lifespan="on",
    )
    server = DrainingServer(config, app.state.readiness, settings.drain_seconds)
    server.run()
    if not server.started:
        raise SystemExit(1)


class DrainingServer(uvicorn.Server):
    """A server that is asked to stop says so to probes and goes on for a while: then nobody sends to its closed port.

    A second signal ends the wait.
    """

    def __init__(self, config: uvicorn.Config, readiness: Readiness, drain_seconds: float) -> None:
        super().__init__(config)
        self._readiness = readiness
        self._drain_seconds = drain_seconds
        self._stop: tuple[int, float] | None = None
        """The signal that asked, and when, on the monotonic clock, it is obeyed."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Called with the signal."""
        self._readiness.is_draining = True
        if not self.started or not self._drain_seconds or self._stop is not None:
            super().handle_exit(sig, frame)
            return
        self._stop = sig, time.monotonic() + self._drain_seconds
        log.info("draining", seconds=self._drain_seconds)

    async def on_tick(self, counter: int) -> bool:
        """Called ten times a second; whether the server ends."""
        if self._stop is not None and not self.should_exit and time.monotonic() >= self._stop[1]:
            super().handle_exit(self._stop[0], None)
        return await super().on_tick(counter)
