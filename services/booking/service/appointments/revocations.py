"""Revoked slots: a doctor was deleted, and booking cancels the appointments that hold exactly these reservations.

A patient who has checked in is with the doctor already and stays; an overdue hold expires instead. Called by `handlers.py` in the
transaction of a batch.
"""

from collections.abc import Sequence

from services.booking.repository import appointments
from services.booking.service.appointments.events import emit_cancelled, emit_released
from shared.contracts.appointments import Reason, Status
from shared.contracts.availability import SlotRevoked
from shared.infra.unit import Unit

REVOCABLE = (Status.PENDING, Status.BOOKED)


async def cancel_revoked(unit: Unit, messages: Sequence[SlotRevoked]) -> None:
    """Cancels the appointments that hold the revoked reservations. A reservation that nobody holds was released before."""
    by_reservation = {(message.clinic_id, message.appointment_id, message.reservation_id): message for message in messages}
    locked = await appointments.lock(unit.connection, {(clinic_id, id_) for clinic_id, id_, _ in by_reservation}, unit.now)
    unit = unit.at(locked.at)
    cancelled = [
        (cause, appointment.with_status(Status.CANCELLED, unit.now, Reason.CLINIC))
        for appointment in locked.found.values()
        if (cause := by_reservation.get((appointment.clinic_id, appointment.id, appointment.reservation_id)))
        and appointment.status_at(unit.now) in REVOCABLE
    ]
    if cancelled:
        await appointments.change(unit.connection, [appointment for _, appointment in cancelled])
    for message, appointment in cancelled:
        emit_cancelled(unit, message, appointment)
        emit_released(unit, message, appointment)
