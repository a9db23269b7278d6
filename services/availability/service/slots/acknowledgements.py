"""Reservations that booking has not acknowledged: it is asked again and again, nothing is taken back by our own clock.

Booking alone decides whether an appointment has a reservation. Acknowledgements come in batches through `handlers.py`; asking
is a job of each process, and safe in several.
"""

from collections.abc import Sequence

from services.availability.repository.slots import acknowledgements
from services.availability.service.slots.events import emit_questioned
from shared.contracts.booking import AppointmentBooked, AppointmentMoved, ReservationKept
from shared.infra.jobs import Job
from shared.infra.metrics import RESERVATIONS_QUESTIONED
from shared.infra.unit import Unit, Units

Acknowledgement = AppointmentBooked | AppointmentMoved | ReservationKept

INTERVAL_SECONDS = 1.0
BATCH_SIZE = 500
"""Booking is asked about so many reservations in one transaction."""


async def acknowledge(unit: Unit, messages: Sequence[Acknowledgement]) -> None:
    """Booking knows of these reservations: it is not asked about them any more."""
    if messages:
        await acknowledgements.acknowledge(unit.connection, {(one.clinic_id, one.reservation_id) for one in messages})


def question_job(units: Units, question_after_seconds: float) -> Job:
    """The job of one process: asks about every reservation whose acknowledgement is overdue."""

    async def ask_all() -> None:
        while await _ask(units, question_after_seconds) == BATCH_SIZE:
            pass

    return Job("questions", INTERVAL_SECONDS, ask_all)


async def _ask(units: Units, question_after_seconds: float) -> int:
    """Asks once about what is overdue; each question stands behind its `SlotReserved`, on the same key."""
    async with units.batch(()) as unit:
        overdue, rows = await acknowledgements.claim_overdue(unit.connection, question_after_seconds, BATCH_SIZE)
        for reserved in overdue:
            emit_questioned(unit, reserved)
    RESERVATIONS_QUESTIONED.inc(len(overdue))
    return rows
