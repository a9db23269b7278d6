"""The booking commands, what booking says on `appointment.events`, and its internal HTTP shapes."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal
from uuid import UUID

from shared.contracts.commands import Answer
from shared.contracts.envelope import AppointmentMessage, ClientCommand, DayMessage, Wire


class Status(StrEnum):
    """The life of an appointment."""

    PENDING = "pending"
    BOOKED = "booked"
    CHECKED_IN = "checked_in"
    FULFILLED = "fulfilled"
    NO_SHOW = "no_show"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


LIVE = (Status.PENDING, Status.BOOKED, Status.CHECKED_IN)
"""The statuses in which an appointment holds its slot."""


class Reason(StrEnum):
    """Why an appointment was cancelled."""

    PATIENT = "patient"
    CLINIC = "clinic"
    ILL = "ill"
    DUPLICATE = "duplicate"
    OTHER = "other"


class BookAppointment(ClientCommand, DayMessage):
    """Book a place of a doctor's day for a patient. Enters at availability, decided by booking."""

    type: Literal["BookAppointment"] = "BookAppointment"
    patient_id: UUID


class CancelAppointment(ClientCommand, AppointmentMessage):
    """Cancel an appointment; answered by availability once its slot is free."""

    type: Literal["CancelAppointment"] = "CancelAppointment"
    reason: Reason | None = None


class CheckInPatient(ClientCommand, AppointmentMessage):
    """The patient is here; answered by the queue with the position."""

    type: Literal["CheckInPatient"] = "CheckInPatient"
    patient_id: UUID


class AppointmentView(Wire):
    """An appointment as clients read it. `slot` is its number; times are set for timed slots only."""

    id: UUID
    doctor_id: UUID
    patient_id: UUID
    date: dt.date
    slot: int
    slot_id: UUID
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    status: Status
    expires_at: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class AppointmentBooked(DayMessage):
    """A new appointment lives and holds `reservation_id`: availability need not ask for it any more.

    Not guarded: who acknowledges twice says the same.
    """

    guarded: ClassVar[bool] = False
    type: Literal["AppointmentBooked"] = "AppointmentBooked"
    version: int
    appointment_id: UUID
    patient_id: UUID
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    status: Status


class ReservationKept(DayMessage):
    """The answer to a question: a live appointment holds `reservation_id`. Not guarded, as `AppointmentBooked`."""

    guarded: ClassVar[bool] = False
    type: Literal["ReservationKept"] = "ReservationKept"
    appointment_id: UUID
    slot_id: UUID
    reservation_id: UUID


class AppointmentRefused(DayMessage):
    """Booking refuses a reservation: availability frees it, settles the command by `SlotFreed` and replies with `answer`."""

    type: Literal["AppointmentRefused"] = "AppointmentRefused"
    appointment_id: UUID
    slot_id: UUID
    reservation_id: UUID
    answer: Answer


class AppointmentCancelled(DayMessage):
    """An appointment ended by cancellation. Its place is given back by the `SlotReleased` that goes with it."""

    type: Literal["AppointmentCancelled"] = "AppointmentCancelled"
    version: int
    appointment_id: UUID
    patient_id: UUID
    reason: Reason | None = None


class AppointmentReassigned(DayMessage):
    """An appointment is `patient_id`'s now: two patients were found to be the same person and merged."""

    type: Literal["AppointmentReassigned"] = "AppointmentReassigned"
    version: int
    appointment_id: UUID
    patient_id: UUID


class SlotReleased(DayMessage):
    """A place to give back: acts only where slot and reservation still agree.

    Availability then replies with `answer`, if a client waits.
    """

    type: Literal["SlotReleased"] = "SlotReleased"
    appointment_id: UUID
    slot_id: UUID
    reservation_id: UUID
    answer: Answer | None = None


class PatientCheckedIn(DayMessage):
    """A patient is here: the queue gives the next position of that doctor's day, in the order of these messages."""

    type: Literal["PatientCheckedIn"] = "PatientCheckedIn"
    version: int
    appointment_id: UUID
    patient_id: UUID
    checked_in_at: datetime


class AppointmentPage(Wire):
    """A page of appointments in booking's order (date, number, id); `next_cursor` is opaque."""

    items: list[AppointmentView]
    next_cursor: str | None = None
