"""What the queue says on `queue.events`, and its internal HTTP shapes. Key: the entry's doctor and day."""

import datetime as dt
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal
from uuid import UUID

from shared.contracts.envelope import DayMessage, Wire
from shared.contracts.later_values import keeps_later


class State(StrEnum):
    """Where a patient stands in the queue; later steps add to it."""

    WAITING = "waiting"


class QueueEntryView(Wire):
    """A place in a doctor's queue as clients read it; it is also the answer of a check-in."""

    id: UUID
    appointment_id: UUID
    doctor_id: UUID
    patient_id: UUID
    date: dt.date
    position: int
    state: Annotated[State, keeps_later(State)]
    checked_in_at: datetime


class PatientQueued(DayMessage):
    """A patient has a position: booking settles the check-in with it."""

    type: Literal["PatientQueued"] = "PatientQueued"
    version: int
    entry: QueueEntryView


class QueuePage(Wire):
    """A page of a doctor's queue in order of position; `next_cursor` is opaque."""

    items: list[QueueEntryView]
    next_cursor: str | None = None
