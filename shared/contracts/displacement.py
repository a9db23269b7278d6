"""The shapes of calls that move appointments whose place a calendar has taken back.

A place is what a booking of it would be: `slot` is its number, times are set for timed slots only.
"""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field

from shared.contracts.commands import Answer
from shared.contracts.envelope import Wire
from shared.contracts.later_values import keeps_later
from shared.contracts.problems import Code
from shared.contracts.shapes import IsoDate, Strict

MAX_DISPLACE_DAYS = 62
MAX_DISPLACED = 500
"""So many appointments are moved by one call; the rest is left for another one."""
NO_PLACE: Literal["no_place"] = "no_place"
"""Why an appointment is not moved for which nothing is open."""


class Policy(StrEnum):
    """Where displaced appointments go: to a later place of their doctor, or to the first one from their own date on of another
    doctor of the same category."""

    SAME_DOCTOR = "same_doctor"
    SAME_CATEGORY = "same_category"


class DisplaceIn(Strict):
    """Move a doctor's displaced appointments of these dates, both inclusive; a dry run only tells where they would go.

    No new place is on an earlier date than `not_before`, without it than the old place.
    """

    from_: IsoDate = Field(alias="from")
    to: IsoDate
    policy: Policy
    not_before: IsoDate | None = None
    dry_run: bool = False


class AppointmentPatient(Strict):
    """An appointment to be moved, and whose it is."""

    appointment_id: UUID
    patient_id: UUID


class DisplaceOrder(Strict):
    """What the gateway has availability do: the client's call, appointments as booking has them, how many are left out."""

    asked: DisplaceIn
    appointments: list[AppointmentPatient] = Field(max_length=MAX_DISPLACED)
    left: int


class PlaceView(Wire):
    """A place of an appointment. Without `slot_id` it is on a day that the first booking makes: only a dry run tells of one."""

    doctor_id: UUID
    date: dt.date
    slot: int
    slot_id: UUID | None = None
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class MoveQuestion(Wire):
    """An appointment, and the place that a displacement would give it."""

    appointment_id: UUID
    to: PlaceView


class MovesQuestion(Wire):
    """Asks booking which of these moves it would refuse, each after those before it (`POST /internal/appointments/refusals`)."""

    moves: list[MoveQuestion] = Field(max_length=MAX_DISPLACED)


class MoveRefusal(Wire):
    """A move that would be refused, and with what."""

    appointment_id: UUID
    answer: Answer


class MoveRefusals(Wire):
    """What booking answers: the moves that it would refuse."""

    refusals: list[MoveRefusal]


class Displacement(Wire):
    """An appointment that has lost its place, and the command by which it is moved, if it is."""

    appointment_id: UUID
    patient_id: UUID
    from_: PlaceView = Field(serialization_alias="from", validation_alias="from")
    command_id: UUID | None = None


class DisplacementStep(Displacement):
    """What availability did for one appointment: the place that it took; without one the appointment stays."""

    to: PlaceView | None = None


class DisplacePlan(Wire):
    """What availability did, in the order of the old places."""

    steps: list[DisplacementStep]
    left: int


class DisplacedFound(Wire):
    """Which appointments are displaced, the first of them, and how many more; or what a repeated call did already."""

    appointment_ids: list[UUID]
    left: int
    plan: DisplacePlan | None = None


class Moved(Displacement):
    """An appointment with its old and its new place. A dry run has no command."""

    to: PlaceView


class NotMoved(Displacement):
    """An appointment that keeps its old place, and why: nothing was found, or the code that its move was refused with."""

    code: Annotated[Code, keeps_later(Code)] | Literal["no_place"]
    reason: str


class DisplaceAnswer(Wire):
    """What the client is answered, each list in the order of the old places.

    `moving` is what is not settled yet; `left` is how many more are displaced than one call moves, or are being moved by another.
    """

    moved: list[Moved]
    moving: list[Moved]
    not_moved: list[NotMoved]
    left: int
