"""The messages of `appointment.events`: a function emits each, and adds the audit row if it is about a change.

The cause is the message of a command, a revoked slot, the caller who deletes or merges a patient, or the system where a hold is
over. Used by the use cases, in the transaction that writes the change. `CommandRepeated` is emitted by `outcomes/repeats.py`.
"""

import datetime as dt
from collections.abc import Iterable
from typing import TypedDict
from uuid import UUID

from services.booking.domain.appointments import Appointment
from shared.contracts.appointments import Status
from shared.contracts.availability import ReservationQuestioned, SlotReserved
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReassigned,
    AppointmentRefused,
    BusyTime,
    PatientCheckedIn,
    ReservationDeclined,
    ReservationFields,
    ReservationKept,
    SlotReleased,
)
from shared.contracts.commands import Answer
from shared.contracts.displacement import PlaceView
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.audit import Action, Cause
from shared.infra.unit import Unit

_MOVE_DETAIL = {
    "doctor_id", "date", "slot_number", "slot_id", "reservation_id", "version", "from_doctor_id", "from_date",
}  # fmt: skip
"""The fields of `AppointmentMoved` that its audit row has."""


class _Changed(TypedDict):
    """The fields that every message about a change of an appointment has."""

    doctor_id: UUID
    date: dt.date
    version: int
    appointment_id: UUID
    patient_id: UUID


class _Place(_Changed):
    """The fields of a message about an appointment that has got a slot."""

    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    status: Status


def emit_booked(unit: Unit, cause: Cause, after: Appointment) -> None:
    """A reservation has become an appointment, booked or held."""
    unit.emit(APPOINTMENT_EVENTS, AppointmentBooked(**unit.envelope(cause), **_place(after)))
    action = Action.APPOINTMENT_HELD if after.status is Status.PENDING else Action.APPOINTMENT_BOOKED
    unit.record(
        cause, action, after.id,
        doctor_id=after.doctor_id, patient_id=after.patient_id, date=after.date, slot=after.slot_number, slot_id=after.slot_id,
        version=after.version,
    )  # fmt: skip


def emit_confirmed(unit: Unit, cause: Cause, after: Appointment) -> None:
    """A held appointment is booked."""
    unit.emit(APPOINTMENT_EVENTS, AppointmentConfirmed(**unit.envelope(cause), **_changed(after)))
    unit.record(cause, Action.APPOINTMENT_CONFIRMED, after.id, version=after.version)


def emit_moved(unit: Unit, cause: Cause, before: Appointment, after: Appointment) -> None:
    """An appointment has another slot. The message has the new day's key; the old slot's `SlotReleased` has the old day's."""
    moved = AppointmentMoved(**unit.envelope(cause), **_place(after), from_doctor_id=before.doctor_id, from_date=before.date)
    unit.emit(APPOINTMENT_EVENTS, moved)
    places = {"from_place": _place_view(before), "to_place": _place_view(after)}
    unit.record(cause, Action.APPOINTMENT_MOVED, after.id, **moved.model_dump(include=_MOVE_DETAIL), **places)


def emit_cancelled(unit: Unit, cause: Cause, after: Appointment) -> None:
    """An appointment is cancelled."""
    cancelled = AppointmentCancelled(**unit.envelope(cause), **_changed(after), reason=after.cancel_reason)
    unit.emit(APPOINTMENT_EVENTS, cancelled)
    unit.record(cause, Action.APPOINTMENT_CANCELLED, after.id, reason=after.cancel_reason, version=after.version)


def emit_expired(unit: Unit, cause: Cause, after: Appointment) -> None:
    """A hold is over."""
    unit.emit(APPOINTMENT_EVENTS, AppointmentExpired(**unit.envelope(cause), **_changed(after)))
    unit.record(cause, Action.APPOINTMENT_EXPIRED, after.id, version=after.version)


def emit_checked_in(unit: Unit, cause: Cause, after: Appointment) -> None:
    """A patient has arrived: the queue gives the position."""
    arrived = PatientCheckedIn(**unit.envelope(cause), **_changed(after), checked_in_at=after.updated_at)
    unit.emit(APPOINTMENT_EVENTS, arrived)
    unit.record(cause, Action.APPOINTMENT_CHECKED_IN, after.id, version=after.version)


def emit_reassigned(unit: Unit, cause: Cause, after: Appointment) -> None:
    """An appointment belongs to the survivor of a merge."""
    unit.emit(APPOINTMENT_EVENTS, AppointmentReassigned(**unit.envelope(cause), **_changed(after)))
    unit.record(cause, Action.APPOINTMENT_REASSIGNED, after.id, patient_id=after.patient_id, version=after.version)


def emit_refused(unit: Unit, reserved: SlotReserved, answer: Answer) -> None:
    """A reservation is refused: availability frees it, and answers the client then."""
    refused = AppointmentRefused(**unit.envelope(reserved), **_reservation(reserved), answer=answer)
    unit.emit(APPOINTMENT_EVENTS, refused)


def emit_declined(unit: Unit, reserved: SlotReserved, busy: Iterable[tuple[dt.datetime, dt.datetime]]) -> None:
    """The patient has no time then: availability frees the reservation and takes another place of the day for its command."""
    declined = ReservationDeclined(
        **unit.envelope(reserved),
        **_reservation(reserved),
        patient_id=reserved.patient_id,
        purpose=reserved.purpose,
        busy=[BusyTime(starts_at=start, ends_at=end) for start, end in busy],
    )
    unit.emit(APPOINTMENT_EVENTS, declined)


def emit_kept(unit: Unit, questioned: ReservationQuestioned) -> None:
    """A reservation that availability asked about is held by a live appointment."""
    unit.emit(APPOINTMENT_EVENTS, ReservationKept(**unit.envelope(questioned), **_reservation(questioned)))


def emit_released(
    unit: Unit, cause: Cause, held: Appointment | SlotReserved | ReservationQuestioned, answer: Answer | None = None
) -> None:
    """Availability is to free a slot, if it still has the reservation of `held`.

    Availability then gives `answer` to the client who waits until the slot is free.
    """
    unit.emit(APPOINTMENT_EVENTS, SlotReleased(**unit.envelope(cause), **_reservation(held), answer=answer))


def _place_view(appointment: Appointment) -> dict[str, object]:
    """The place of an appointment as its history tells it."""
    return PlaceView(
        doctor_id=appointment.doctor_id,
        date=appointment.date,
        slot=appointment.slot_number,
        slot_id=appointment.slot_id,
        location_id=appointment.location_id,
        starts_at=appointment.starts_at,
        ends_at=appointment.ends_at,
    ).model_dump(mode="json")


def _changed(after: Appointment) -> _Changed:
    return _Changed(
        doctor_id=after.doctor_id,
        date=after.date,
        version=after.version,
        appointment_id=after.id,
        patient_id=after.patient_id,
    )


def _place(after: Appointment) -> _Place:
    return _Place(
        **_changed(after),
        slot_id=after.slot_id,
        slot_number=after.slot_number,
        reservation_id=after.reservation_id,
        status=after.status,
    )


def _reservation(of: Appointment | SlotReserved | ReservationQuestioned) -> ReservationFields:
    return ReservationFields(
        doctor_id=of.doctor_id,
        date=of.date,
        appointment_id=of.id if isinstance(of, Appointment) else of.appointment_id,
        slot_id=of.slot_id,
        reservation_id=of.reservation_id,
    )
