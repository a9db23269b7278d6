"""Wires the booking service: one runtime, its one consumer, its internal routes. Importing it builds nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from services.booking.handlers import make_handler
from services.booking.identifiers import Codec
from services.booking.routes import router
from services.booking.settings import Settings
from shared.contracts.topics import consumed_by
from shared.infra.api import create_api
from shared.infra.health import Readiness
from shared.infra.runtime import Runtime

NAME = "booking"
MAX_BODY_BYTES = 1024 * 1024
"""A look of a gateway with thousands of open commands is larger than any client's body."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one process. Its lifespan joins the consumer group and leaves it."""
    readiness = Readiness({})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = await Runtime.connect(NAME, settings)
        try:
            runtime.consume(consumed_by(NAME), make_handler(runtime))
            await runtime.start()
            app.state.runtime = runtime
            readiness.checks = runtime.checks
            yield
        finally:
            readiness.draining = True
            await runtime.stop()

    app = create_api(
        "Frontdesk booking", NAME, _version(), readiness, docs=False, max_body_bytes=MAX_BODY_BYTES, lifespan=lifespan
    )
    app.state.codec = Codec(settings.identifier_key.get_secret_value().encode())
    app.include_router(router)
    return app


def _version() -> str:
    """The version of the installed distribution, for `frontdesk_build_info`."""
    try:
        return version("frontdesk")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0.0.0"
