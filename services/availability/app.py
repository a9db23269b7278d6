"""Wires the availability service: one runtime, its one consumer, its internal routes. Importing it builds nothing."""

from fastapi import FastAPI

from services.availability.handlers import IGNORED, make_handler
from services.availability.routes import router
from services.availability.settings import Settings
from shared.infra.owner import create_owner

NAME = "availability"


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    return create_owner(NAME, settings, make_handler, router, ignored=IGNORED)
