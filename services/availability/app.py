"""Wires the service: HTTP for the registry and reads, one Kafka consumer for commands, releases and clinics' settings."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI

from services.availability.handlers import make_handler
from services.availability.routes import router
from services.availability.settings import Settings
from shared.contracts.topics import consumed_by
from shared.infra.api import create_api
from shared.infra.health import Readiness
from shared.infra.runtime import Runtime

NAME = "availability"


def create_app(settings: Settings) -> FastAPI:
    """The application of one process. Importing this module builds nothing; the stores are opened when the app starts."""
    readiness = Readiness({})

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = await Runtime.connect(NAME, settings)
        runtime.consume(consumed_by(NAME), make_handler(runtime))
        app.state.runtime = runtime
        readiness.checks.update(runtime.checks)
        try:
            await runtime.start()
            yield
        finally:
            readiness.draining = True
            await runtime.stop()

    app = create_api("Frontdesk availability", NAME, version("frontdesk"), readiness, docs=False, lifespan=lifespan)
    app.include_router(router)
    return app
