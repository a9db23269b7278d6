"""A service process from its environment to its end. Called by each service's `__main__.py`."""

from collections.abc import Callable
from typing import TypeVar

import uvicorn
from starlette.types import ASGIApp

from shared.infra.http_protocol import ProblemProtocol
from shared.infra.logging import configure_logging
from shared.infra.settings import Environment, ServiceSettings

S = TypeVar("S", bound=ServiceSettings)

KEEP_ALIVE_SECONDS = 30
"""Longer than the gateway keeps an idle connection (5 s): a connection is never closed under the request that reuses it."""


def run_service(name: str, settings_class: type[S], create_app: Callable[[S], ASGIApp]) -> None:
    """Reads the environment and serves until SIGTERM or SIGINT. A setting that is missing or not valid ends it at once."""
    settings = settings_class.from_environment()
    configure_logging(name, settings.instance, settings.log_level, sql=settings.environment != Environment.PRODUCTION)
    serve(create_app(settings), settings)


def serve(app: ASGIApp, settings: ServiceSettings) -> None:
    """Runs a service's HTTP until SIGTERM or SIGINT; open requests have the grace to finish.

    Meanwhile nobody listens: a probe of readiness fails by that, it is not answered 503.
    """
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
    server = uvicorn.Server(config)
    server.run()
    if not server.started:
        raise SystemExit(1)
