"""The shapes of calls about a doctor's calendar: days, weekly schedule, exceptions, slots. Times of day are wall times."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, StringConstraints

from shared.contracts.appointments import AppointmentView, Reason
from shared.contracts.availability import DayView
from shared.contracts.clinics import Zone
from shared.contracts.envelope import Wire
from shared.contracts.shapes import IsoDate, Strict

SLOT_MINUTES = 15
"""How long a slot is, where an entry does not say."""
HORIZON_DAYS = 60
"""Slots of a schedule exist so many days ahead, today not counted."""
MAX_SEARCH_DAYS = 62
MAX_EARLIEST = 50
MAX_ENTRIES = 200
MAX_CLOSED_DAYS = 731
MAX_WALL_TIMES = 500
"""So many appointments are named whose wall time changes with the clinic's zone."""

TimeText = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""A wall time, `HH:MM`."""
EndText = Annotated[str, StringConstraints(pattern=r"^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$")]
"""A wall time at which something ends: `24:00` is the end of the day."""
SlotMinutes = Annotated[int, Field(ge=1, le=1440)]


class Weekday(StrEnum):
    """The days of a week, in ISO's order."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


class DayIn(Strict):
    """A day to open, close or resize; what is left out stays as it was."""

    date: IsoDate
    capacity: int | None = Field(default=None, ge=1)
    available: bool | None = None


class DayPut(DayView):
    """What availability answers: the day, and the appointments that a closed one displaces."""

    displaced_ids: list[UUID] = Field(default_factory=list)


class DayAnswer(DayView):
    """What the client is answered. `displaced_incomplete` says that booking could not tell of all yet: a read tells the rest."""

    displaced: list[AppointmentView]
    displaced_incomplete: bool = False


class ScheduleEntry(Strict):
    """Hours of one weekday, both validity dates inclusive. Slots begin at `start`; a last partial one is dropped."""

    weekday: Weekday
    start: TimeText
    end: EndText
    location_id: UUID | None = None
    slot_minutes: SlotMinutes = SLOT_MINUTES
    valid_from: IsoDate | None = None
    valid_to: IsoDate | None = None


class ScheduleIn(Strict):
    """A whole week, in place of the one before. No entries: the doctor has daily capacity (again)."""

    entries: list[ScheduleEntry] = Field(max_length=MAX_ENTRIES)


class ScheduleView(Wire):
    """A schedule as it was written."""

    entries: list[ScheduleEntry]
    version: int


class SchedulePut(ScheduleView):
    """What availability answers: the schedule, and all appointments to come that no rule of the calendar asks for now."""

    displaced_ids: list[UUID]
    slots_incomplete: bool = False


class ScheduleAnswer(ScheduleView):
    """What the client is answered. `slots_incomplete` says that slots of later dates are still being added."""

    displaced: list[AppointmentView]
    displaced_incomplete: bool = False
    slots_incomplete: bool = False


class ClosedIn(Strict):
    """Dates on which a doctor is away, both inclusive: nothing can be booked, extra hours neither."""

    kind: Literal["closed"]
    from_: IsoDate = Field(alias="from")
    to: IsoDate
    reason: Reason | None = None


class ExtraIn(Strict):
    """Hours beside the schedule on one date. What overlaps the schedule's slots adds nothing."""

    kind: Literal["extra"]
    date: IsoDate
    start: TimeText
    end: EndText
    location_id: UUID | None = None
    slot_minutes: SlotMinutes = SLOT_MINUTES
    reason: Reason | None = None


class ExceptionKind(StrEnum):
    """What an exception does to a calendar."""

    CLOSED = "closed"
    EXTRA = "extra"


class ExceptionFields(Wire):
    """An exception; of the fields of the other kind it has none. `id` is null in a dry run."""

    id: UUID | None = None
    kind: ExceptionKind
    from_: dt.date | None = Field(default=None, serialization_alias="from", validation_alias="from")
    to: dt.date | None = None
    date: dt.date | None = None
    start: str | None = None
    end: str | None = None
    location_id: UUID | None = None
    slot_minutes: int | None = None
    reason: Reason | None = None


class ExceptionFound(ExceptionFields):
    """What availability answers: the exception, and the appointments that it displaces."""

    displaced_ids: list[UUID]


class ExceptionView(ExceptionFields):
    """What the client is answered."""

    displaced: list[AppointmentView]
    displaced_incomplete: bool = False


class ExceptionsFound(Wire):
    """A page of what availability answers, in order of date."""

    items: list[ExceptionFound]
    next_cursor: str | None = None


class ExceptionPage(Wire):
    """A page of exceptions in order of date."""

    items: list[ExceptionView]
    next_cursor: str | None = None


class SlotStatus(StrEnum):
    """Whether a slot can be booked."""

    FREE = "free"
    TAKEN = "taken"


class SlotView(Wire):
    """An open slot. `starts_at` and `ends_at` are UTC, the local ones carry the offset of the slot's own zone."""

    id: UUID
    doctor_id: UUID
    location_id: UUID | None
    number: int
    starts_at: datetime
    ends_at: datetime
    local_start: str
    local_end: str
    date: dt.date
    status: SlotStatus


class SlotPage(Wire):
    """Open slots in order of start."""

    items: list[SlotView]
    next_cursor: str | None = None


class WallTimesQuestion(Strict):
    """Whose wall time would be another one if the clinic had this zone (`POST /internal/slots/wall-times`)."""

    time_zone: Zone


class WallTimesFound(Wire):
    """The first of these appointments, and how many more there are."""

    appointment_ids: list[UUID]
    left: int


class DoctorToday(Wire):
    """Which date it is for a doctor (`GET /internal/doctors/{id}/today`)."""

    doctor_id: UUID
    date: dt.date


class SlotQuestion(Strict):
    """Which slot is meant (`POST /internal/slots/resolve`): that of an id, or the one of a doctor that begins then, there."""

    slot_id: UUID | None = None
    doctor_id: UUID | None = None
    starts_at: datetime | None = None
    location_id: UUID | None = None


class SlotPlace(Wire):
    """Where a slot is, whatever state it has: the day whose key its commands take."""

    slot_id: UUID
    doctor_id: UUID
    date: dt.date
