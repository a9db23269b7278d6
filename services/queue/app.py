"""Wires the queue service: one runtime, its one consumer, its jobs, its internal routes. Importing it builds nothing."""

from fastapi import FastAPI

from services.queue.handlers import IGNORED, make_handler
from services.queue.routes import router
from services.queue.settings import Settings
from shared.contracts.topics import QUEUE_EVENTS
from shared.infra.failures import tell_holder
from shared.infra.owner import create_owner
from shared.infra.retention import retention

NAME = "queue"


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    return create_owner(
        NAME,
        settings,
        make_handler,
        [router],
        ignored=IGNORED,
        failed=tell_holder(QUEUE_EVENTS),
        jobs=lambda runtime: [retention(runtime.units)],
    )
