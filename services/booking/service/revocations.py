"""Appointments that end because their doctor is gone: availability revokes what was taken, booking cancels what holds exactly it.

Whoever has checked in is in front of the doctor already and stays. Called by `handlers.py` in the transaction of a batch.
"""

from collections.abc import Sequence

from services.booking.domain import Appointment
from services.booking.repository import appointments
from shared.contracts.availability import SlotRevoked
from shared.contracts.booking import AppointmentCancelled, Reason, SlotReleased, Status
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.unit import Unit

REVOCABLE = (Status.PENDING, Status.BOOKED)


async def revoke(unit: Unit, messages: Sequence[SlotRevoked]) -> None:
    """Cancels the appointments that hold revoked reservations. What nobody holds any more is given back already."""
    by_key = {(message.clinic_id, message.appointment_id): message for message in messages}
    found = await appointments.lock(unit.connection, by_key)
    cancelled = [
        (by_key[key], appointment.changed(Status.CANCELLED, unit.now, Reason.CLINIC))
        for key, appointment in found.items()
        if appointment.status in REVOCABLE and appointment.reservation_id == by_key[key].reservation_id
    ]
    if cancelled:
        await appointments.change(unit.connection, [appointment for _, appointment in cancelled])
    for message, appointment in cancelled:
        _say_cancelled(unit, message, appointment)


def _say_cancelled(unit: Unit, cause: SlotRevoked, after: Appointment) -> None:
    day = {"doctor_id": after.doctor_id, "date": after.date, "appointment_id": after.id}
    patient = {"patient_id": after.patient_id, "reason": after.cancel_reason, "version": after.version}
    unit.emit(APPOINTMENT_EVENTS, AppointmentCancelled, cause, **day, **patient)
    unit.record(cause, Action.APPOINTMENT_CANCELLED, after.id, reason=after.cancel_reason, version=after.version)
    unit.emit(APPOINTMENT_EVENTS, SlotReleased, cause, **day, slot_id=after.slot_id, reservation_id=after.reservation_id)
