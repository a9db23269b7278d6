"""What availability says on `availability.events`, and its internal HTTP shapes. Key: the doctor's day."""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from shared.contracts.booking import Purpose
from shared.contracts.envelope import DayMessage, Wire
from shared.contracts.later_values import keeps_later
from shared.contracts.problems import Code


class Mode(StrEnum):
    """How a day's capacity is laid out: numbered slots without times, or slots with a start and an end."""

    DAILY = "daily"
    TIMED = "timed"


class SlotReserved(DayMessage):
    """A slot is taken: booking accepts it or refuses it.

    Both ids were drawn with the taking, but for a move: its appointment has its id already. A displacement takes it `instead_of`
    the reservation that has lost its rule: an appointment that has another one by then stays where it is. With `of_day` any
    place of the day was asked for: where the patient has no time, booking asks for another one.
    """

    type: Literal["SlotReserved"] = "SlotReserved"
    patient_id: UUID
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    appointment_id: UUID
    time_zone: str
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    purpose: Purpose = Purpose.BOOK
    instead_of: UUID | None = None
    of_day: bool = False


class SlotKept(DayMessage):
    """The appointment that is to be moved has the asked place already: nothing is taken. Booking answers with it."""

    type: Literal["SlotKept"] = "SlotKept"
    patient_id: UUID
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class BookingRefused(DayMessage):
    """Nothing was taken; booking stores the refusal as the command's outcome. `appointment_id` is that of a move.

    `status_code` is the HTTP status of `code`, for a booking that does not know the code yet; 0.1.0 does not send it.
    `taken_by` is the appointment that has the slot which is taken; what is too soon could begin later than `bookable_after`.
    """

    type: Literal["BookingRefused"] = "BookingRefused"
    patient_id: UUID
    code: Annotated[Code, keeps_later(Code)]
    status_code: int | None = None
    purpose: Purpose = Purpose.BOOK
    appointment_id: UUID | None = None
    taken_by: UUID | None = None
    bookable_after: datetime | None = None


class ReservationQuestioned(DayMessage):
    """Nobody has acknowledged a reservation: booking says whether a live appointment holds it, or releases it."""

    type: Literal["ReservationQuestioned"] = "ReservationQuestioned"
    patient_id: UUID
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID
    purpose: Purpose = Purpose.BOOK


class SlotFreed(DayMessage):
    """The release that a command asked for is done: booking settles the command's outcome."""

    type: Literal["SlotFreed"] = "SlotFreed"
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class SlotRevoked(DayMessage):
    """The doctor is gone: booking cancels the appointment that holds exactly this reservation. Said behind its `SlotReserved`."""

    type: Literal["SlotRevoked"] = "SlotRevoked"
    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class DayView(Wire):
    """A day as clients read it: `capacity` slots, of which `remaining` can be booked now; none if it is not `available`.

    It is not where every booking is refused: the day is closed, has no hours, is past, or beyond the horizon.
    """

    doctor_id: UUID
    date: date
    mode: Mode
    available: bool
    capacity: int
    remaining: int
