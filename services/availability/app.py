"""Wires the availability service: one runtime, its one consumer, its jobs, its internal routes. Importing it builds nothing."""

from fastapi import FastAPI

from services.availability.handlers import IGNORED, make_handler
from services.availability.routes import routers
from services.availability.service.calendar.slot_generation import slot_generation_job
from services.availability.service.doctors.revoke import revocation_job
from services.availability.service.slots.acknowledgements import question_job
from services.availability.settings import Settings
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.failures import tell_holder
from shared.infra.owner import create_owner
from shared.infra.retention import OLD_OUTCOMES, retention

NAME = "availability"
MAX_BODY_BYTES = 1024 * 1024
"""500 lines of an import are larger than any client's body."""


def create_app(settings: Settings) -> FastAPI:
    """The application of one process."""
    question_after_seconds = settings.question_after_seconds
    return create_owner(
        NAME,
        settings,
        lambda runtime: make_handler(runtime, question_after_seconds),
        routers,
        MAX_BODY_BYTES,
        ignored=IGNORED,
        failed=tell_holder(AVAILABILITY_EVENTS),
        jobs=lambda runtime: [
            question_job(runtime.units, question_after_seconds),
            slot_generation_job(runtime.units),
            revocation_job(runtime.units),
            retention(runtime.units, OLD_OUTCOMES),
        ],
        state={"question_after_seconds": question_after_seconds},
    )
