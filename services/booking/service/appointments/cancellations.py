"""What is said when an appointment ends before its time: that it does, and that its place is to be given back.

The cause is a client's command, a revoked slot, the caller who deletes a patient, or nobody where a hold is over. Used by the use
cases that end appointments.
"""

import datetime as dt
from typing import TypedDict
from uuid import UUID

from services.booking.domain import Appointment
from shared.contracts.booking import AppointmentCancelled, AppointmentExpired, SlotReleased
from shared.contracts.commands import Answer
from shared.contracts.envelope import Message
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action
from shared.infra.caller import Caller
from shared.infra.unit import Unit


def say_cancelled(unit: Unit, cause: Message | Caller, after: Appointment) -> None:
    """An appointment is cancelled."""
    cancelled = AppointmentCancelled(
        **unit.envelope(cause),
        **_appointment(after),
        version=after.version,
        patient_id=after.patient_id,
        reason=after.cancel_reason,
    )
    unit.emit(APPOINTMENT_EVENTS, cancelled)
    unit.record(cause, Action.APPOINTMENT_CANCELLED, after.id, reason=after.cancel_reason, version=after.version)


def say_expired(unit: Unit, cause: Caller, after: Appointment) -> None:
    """A hold is over."""
    expired = AppointmentExpired(
        **unit.envelope(cause), **_appointment(after), version=after.version, patient_id=after.patient_id
    )
    unit.emit(APPOINTMENT_EVENTS, expired)
    unit.record(cause, Action.APPOINTMENT_EXPIRED, after.id, version=after.version)


def give_back(unit: Unit, cause: Message | Caller, after: Appointment, answer: Answer | None = None) -> None:
    """The place of an appointment is free for others; `answer` is for the client who waits until it is."""
    released = SlotReleased(
        **unit.envelope(cause),
        **_appointment(after),
        slot_id=after.slot_id,
        reservation_id=after.reservation_id,
        answer=answer,
    )
    unit.emit(APPOINTMENT_EVENTS, released)


class _Named(TypedDict):
    """What names an appointment in every message about it."""

    doctor_id: UUID
    date: dt.date
    appointment_id: UUID


def _appointment(after: Appointment) -> _Named:
    return _Named(doctor_id=after.doctor_id, date=after.date, appointment_id=after.id)
