"""Wires the queue service: one runtime, its one consumer, its internal routes. Importing it builds nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import PackageNotFoundError, version

from fastapi import FastAPI

from services.queue.handlers import make_handler
from services.queue.routes import router
from services.queue.settings import Settings
from shared.contracts.topics import consumed_by
from shared.infra.api import create_api
from shared.infra.health import Readiness
from shared.infra.runtime import Runtime

NAME = "queue"


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

    app = create_api("Frontdesk queue", NAME, _version(), readiness, docs=False, lifespan=lifespan)
    app.include_router(router)
    return app


def _version() -> str:
    """The version of the installed distribution, for `frontdesk_build_info`."""
    try:
        return version("frontdesk")
    except PackageNotFoundError:  # run from a checkout that was not installed
        return "0.0.0"
