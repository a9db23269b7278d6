"""Wires the booking service: one runtime, its one consumer, its jobs, its internal routes. Importing it builds nothing."""

from fastapi import FastAPI

from services.booking.handlers import IGNORED, make_handler
from services.booking.identifiers import Codec
from services.booking.repository.notes import OLD_NOTES
from services.booking.routes import routers
from services.booking.service.appointments.sweep import sweep_job
from services.booking.service.outcomes.failures import fail_own
from services.booking.settings import Settings
from shared.infra.owner import create_owner
from shared.infra.retention import OLD_OUTCOMES, retention

NAME = "booking"
MAX_BODY_BYTES = 1024 * 1024
"""A gateway that looks up thousands of open commands sends more than any client does."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    return create_owner(
        NAME,
        settings,
        make_handler,
        routers,
        MAX_BODY_BYTES,
        ignored=IGNORED,
        failed=fail_own,
        jobs=lambda runtime: [
            retention(runtime.units, OLD_OUTCOMES, OLD_NOTES),
            *([sweep_job(runtime.units)] if settings.sweep_holds else []),
        ],
        state={"codec": Codec(settings.identifier_key.get_secret_value().encode())},
    )
