"""Appointments as internal and public calls show them, and what may be asked about them."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated
from uuid import UUID

from pydantic import Field

from shared.contracts.displacement import PlaceView
from shared.contracts.envelope import Wire
from shared.contracts.later_values import keeps_later
from shared.contracts.shapes import Strict

MAX_NOTE_CHARACTERS = 500


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
    status: Annotated[Status, keeps_later(Status)]
    expires_at: datetime | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class Change(Wire):
    """One change of an appointment: what happened (`booked`, `held`, `confirmed`, `moved`, …), when, and by whom.

    `reason` is that of a cancellation, `note` what the client wrote to it; `from` and `to` are the places of a move.
    """

    version: int
    event: str
    at: datetime
    actor: str
    reason: Annotated[Reason, keeps_later(Reason)] | None = None
    note: str | None = None
    from_: PlaceView | None = Field(default=None, serialization_alias="from", validation_alias="from")
    to: PlaceView | None = None


class History(Wire):
    """All changes of an appointment, the first one first."""

    items: list[Change]


class NoteIn(Wire):
    """What a client wrote to a change (`PUT /internal/appointments/{id}/notes/{command_id}`): the first of a command stays."""

    note: str = Field(min_length=1, max_length=MAX_NOTE_CHARACTERS)


class AppointmentPage(Wire):
    """A page of appointments in booking's order (date, number, id); `next_cursor` is opaque."""

    items: list[AppointmentView]
    next_cursor: str | None = None


class AppointmentLook(Strict):
    """Which appointments a service asks booking for, of the caller's clinic."""

    ids: list[UUID] = Field(max_length=10_000)
