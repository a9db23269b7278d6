"""Appointments that end because their doctor is gone: availability revokes what was taken, booking cancels what holds exactly it.

Whoever has checked in is in front of the doctor already and stays; a hold that is over ends as one. Called by `handlers.py` in
the transaction of a batch.
"""

from collections.abc import Sequence

from services.booking.repository import appointments
from services.booking.service.appointments.cancellations import give_back, say_cancelled
from shared.contracts.appointments import Reason, Status
from shared.contracts.availability import SlotRevoked
from shared.infra.unit import Unit

REVOCABLE = (Status.PENDING, Status.BOOKED)


async def revoke(unit: Unit, messages: Sequence[SlotRevoked]) -> None:
    """Cancels the appointments that hold revoked reservations. What nobody holds any more is given back already."""
    by_reservation = {(message.clinic_id, message.appointment_id, message.reservation_id): message for message in messages}
    locked = await appointments.lock(unit.connection, {(clinic_id, id_) for clinic_id, id_, _ in by_reservation}, unit.now)
    unit = unit.at(locked.at)
    cancelled = [
        (cause, appointment.changed(Status.CANCELLED, unit.now, Reason.CLINIC))
        for appointment in locked.found.values()
        if (cause := by_reservation.get((appointment.clinic_id, appointment.id, appointment.reservation_id)))
        and appointment.status_at(unit.now) in REVOCABLE
    ]
    if cancelled:
        await appointments.change(unit.connection, [appointment for _, appointment in cancelled])
    for message, appointment in cancelled:
        say_cancelled(unit, message, appointment)
        give_back(unit, message, appointment)
