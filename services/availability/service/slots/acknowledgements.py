"""Reservations that booking has not acknowledged: asked about again and again, never taken back by our own clock.

Booking alone decides whether an appointment holds a reservation. Acknowledgements come in batches through `handlers.py`; asking
is a job of each process, and safe in several.
"""

from collections.abc import Sequence

from services.availability.repository import reservations
from shared.contracts.availability import ReservationQuestioned, SlotReserved
from shared.contracts.booking import AppointmentBooked, AppointmentMoved, ReservationKept
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.audit import SYSTEM
from shared.infra.jobs import Job
from shared.infra.metrics import RESERVATIONS_QUESTIONED
from shared.infra.unit import Unit, Units

Acknowledgement = AppointmentBooked | AppointmentMoved | ReservationKept

INTERVAL_SECONDS = 1.0
QUESTIONS = 500
"""So many are asked in one transaction."""


async def acknowledge(unit: Unit, acknowledgements: Sequence[Acknowledgement]) -> None:
    """Booking knows of these reservations: nothing is left to ask."""
    if acknowledgements:
        await reservations.end(unit.connection, {(message.clinic_id, message.reservation_id) for message in acknowledgements})


def questioning(units: Units, question_after_seconds: float) -> Job:
    """The job of one process: asks about every reservation whose acknowledgement is overdue."""

    async def ask() -> None:
        while await _ask_due(units, question_after_seconds) == QUESTIONS:
            pass

    return Job("questions", INTERVAL_SECONDS, ask)


async def _ask_due(units: Units, question_after_seconds: float) -> int:
    """Asks once about what is due; each question stands behind its `SlotReserved`, on the same key."""
    async with units.batch(()) as unit:
        due, rows = await reservations.take_due(unit.connection, question_after_seconds, QUESTIONS)
        for reserved in due:
            unit.emit(AVAILABILITY_EVENTS, _question(unit, reserved))
    RESERVATIONS_QUESTIONED.inc(len(due))
    return rows


def _question(unit: Unit, reserved: SlotReserved) -> ReservationQuestioned:
    """Whether a live appointment holds the reservation. Nobody asked for the question: the actor is the system."""
    envelope = unit.envelope(reserved)
    envelope["actor"] = SYSTEM
    return ReservationQuestioned(
        **envelope,
        doctor_id=reserved.doctor_id,
        date=reserved.date,
        patient_id=reserved.patient_id,
        slot_id=reserved.slot_id,
        reservation_id=reserved.reservation_id,
        appointment_id=reserved.appointment_id,
        purpose=reserved.purpose,
    )
