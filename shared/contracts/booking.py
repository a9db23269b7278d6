"""The booking commands, and what booking says on `appointment.events`. The shapes of its HTTP calls: `appointments.py`."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal, TypedDict
from uuid import UUID

from shared.contracts.appointments import Reason, Status
from shared.contracts.commands import Answer
from shared.contracts.envelope import AppointmentMessage, ClientCommand, DayMessage, Wire
from shared.contracts.later_values import keeps_later


class Purpose(StrEnum):
    """For what a slot is taken: it becomes an appointment, a hold, or the new place of an appointment that has one.

    A displaced appointment is moved by the clinic, not by its patient: no cut-off stands against that.
    """

    BOOK = "book"
    HOLD = "hold"
    MOVE = "move"
    DISPLACE = "displace"

    @property
    def moves(self) -> bool:
        """Whether an appointment that lives already takes the slot."""
        return self in (Purpose.MOVE, Purpose.DISPLACE)


class ReservationFields(TypedDict):
    """What every message about a reservation names it by, as keyword arguments of its class, like `Envelope`."""

    doctor_id: UUID
    date: dt.date
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class BookAppointment(ClientCommand, DayMessage):
    """Book a place of a doctor's day for a patient. Enters at availability, decided by booking.

    With `slot_id` that published slot; without it the lowest free number of the day, or its earliest open slot. Unless it is
    to `confirm` at once, the place is held for a while.
    """

    type: Literal["BookAppointment"] = "BookAppointment"
    patient_id: UUID
    slot_id: UUID | None = None
    confirm: bool = True

    @property
    def purpose(self) -> Purpose:
        return Purpose.BOOK if self.confirm else Purpose.HOLD


class RescheduleAppointment(ClientCommand, DayMessage):
    """Move an appointment to a place of this doctor's day, which is chosen as for a booking.

    Enters at availability, decided by booking, answered by availability once the old place is free. `patient_id` is the patient
    as the appointment was read.
    """

    type: Literal["RescheduleAppointment"] = "RescheduleAppointment"
    appointment_id: UUID
    patient_id: UUID
    slot_id: UUID | None = None

    @property
    def purpose(self) -> Purpose:
        return Purpose.MOVE


class ConfirmAppointment(ClientCommand, AppointmentMessage):
    """Confirm a held appointment; decided and answered by booking."""

    type: Literal["ConfirmAppointment"] = "ConfirmAppointment"


class CancelAppointment(ClientCommand, AppointmentMessage):
    """Cancel an appointment; answered by availability once its slot is free."""

    type: Literal["CancelAppointment"] = "CancelAppointment"
    reason: Annotated[Reason, keeps_later(Reason)] | None = None


class CheckInPatient(ClientCommand, AppointmentMessage):
    """The patient is here; answered by the queue with the position."""

    type: Literal["CheckInPatient"] = "CheckInPatient"
    patient_id: UUID


class AppointmentBooked(DayMessage):
    """A new appointment, booked or held, has `reservation_id`: availability need not ask for it any more.

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
    status: Annotated[Status, keeps_later(Status)]


class AppointmentConfirmed(DayMessage):
    """A held appointment is booked: its place is its own for good."""

    type: Literal["AppointmentConfirmed"] = "AppointmentConfirmed"
    version: int
    appointment_id: UUID
    patient_id: UUID


class AppointmentExpired(DayMessage):
    """A hold was not confirmed in time. Its place is given back by the `SlotReleased` that goes with it."""

    type: Literal["AppointmentExpired"] = "AppointmentExpired"
    version: int
    appointment_id: UUID
    patient_id: UUID


class AppointmentMoved(DayMessage):
    """An appointment has `reservation_id` of this day now, and its place of `from_doctor_id` on `from_date` no longer.

    That is given back by the `SlotReleased` on its own day's key. Not guarded, as `AppointmentBooked`.
    """

    guarded: ClassVar[bool] = False
    type: Literal["AppointmentMoved"] = "AppointmentMoved"
    version: int
    appointment_id: UUID
    patient_id: UUID
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    status: Annotated[Status, keeps_later(Status)]
    from_doctor_id: UUID
    from_date: dt.date


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


class BusyTime(Wire):
    """When a patient is elsewhere."""

    starts_at: datetime
    ends_at: datetime


class ReservationDeclined(DayMessage):
    """The patient has no time at a place that availability chose: it frees that one, and takes the first at which there is time.

    Nothing is decided yet. `busy` are all times around that date at which the patient is elsewhere. `appointment_id` is that of
    the reservation: of a move the one that is to be moved.
    """

    type: Literal["ReservationDeclined"] = "ReservationDeclined"
    patient_id: UUID
    appointment_id: UUID
    slot_id: UUID
    reservation_id: UUID
    purpose: Purpose
    busy: list[BusyTime]


class AppointmentCancelled(DayMessage):
    """An appointment ended by cancellation. Its place is given back by the `SlotReleased` that goes with it."""

    type: Literal["AppointmentCancelled"] = "AppointmentCancelled"
    version: int
    appointment_id: UUID
    patient_id: UUID
    reason: Annotated[Reason, keeps_later(Reason)] | None = None


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
