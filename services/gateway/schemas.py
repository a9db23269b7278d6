"""The bodies of commands, as clients send them, and commands as they read them. Shapes shared with owners are in contracts.

A place can be named in three ways, each a form of its own: a body is read as the form whose `discriminator` it has.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from pydantic import BeforeValidator, StringConstraints, field_validator

from services.gateway.http.headers import KEY_PATTERN
from shared.contracts.appointments import MAX_NOTE_CHARACTERS, Reason
from shared.contracts.clinics import SettingsPatch
from shared.contracts.envelope import Wire
from shared.contracts.shapes import IsoDate, Strict


def _in_utc(value: object) -> object:
    """However an instant is spelled, it is the same request. Pydantic also reads numbers as instants, seconds since 1970.

    Clients write a second with three, six, seven or nine digits behind the point (RFC 3339 sets no bound); what is finer than a
    microsecond is cut off, as no slot begins there.
    """
    if not isinstance(value, str) or not _INSTANT.fullmatch(value):
        raise ValueError(_NO_INSTANT)
    try:
        return datetime.fromisoformat(value.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(_NO_INSTANT) from None


_NO_INSTANT = "must be an instant with seconds and a zone, RFC 3339"
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
Instant = Annotated[datetime, BeforeValidator(_in_utc)]
Note = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=MAX_NOTE_CHARACTERS)]


class OfDay(Strict):
    """Any place of a day: its lowest free number, or its earliest open slot."""

    discriminator: ClassVar[str] = "date"
    date: IsoDate


class OfSlot(Strict):
    """A published slot, whose doctor goes without saying."""

    discriminator: ClassVar[str] = "slot_id"
    slot_id: UUID

    @property
    def doctor_id(self) -> None:
        """Nobody needs to name the doctor."""
        return None


class OfStart(Strict):
    """The published slot of a doctor that begins at an instant, perhaps at a location."""

    discriminator: ClassVar[str] = "starts_at"
    starts_at: Instant
    location_id: UUID | None = None


class _Booking(Strict):
    """For whom, and whether for good; `idempotency_key` is another way to send the header."""

    patient_id: UUID
    confirm: bool = True
    idempotency_key: Annotated[str, StringConstraints(pattern=KEY_PATTERN)] | None = None


class DayBooking(_Booking, OfDay):
    """A place of a doctor's day for a patient."""

    doctor_id: UUID


class SlotBooking(_Booking, OfSlot):
    """A slot for a patient."""


class StartBooking(_Booking, OfStart):
    """The slot of a doctor at that time for a patient."""

    doctor_id: UUID


class DayMove(OfDay):
    """To another day, of the same doctor if none is named."""

    doctor_id: UUID | None = None


class SlotMove(OfSlot):
    """To a slot."""


class StartMove(OfStart):
    """To the slot at another time, of the same doctor if none is named."""

    doctor_id: UUID | None = None


BookingIn = DayBooking | SlotBooking | StartBooking
MoveIn = DayMove | SlotMove | StartMove
BOOKING_FORMS: tuple[type[BookingIn], ...] = (DayBooking, SlotBooking, StartBooking)
MOVE_FORMS: tuple[type[MoveIn], ...] = (DayMove, SlotMove, StartMove)


class ConfirmIn(Strict):
    """Nothing is to be said: a body may be left out."""


class CancelIn(Strict):
    """Why an appointment is cancelled: a code, and what the client writes to it, which never leaves its owner's database."""

    reason: Reason | None = None
    note: Note | None = None


class CheckInIn(Strict):
    """The patient of an appointment is here."""

    appointment_id: UUID
    patient_id: UUID


class SettingsIn(SettingsPatch):
    """Settings to change, as the gateway judges them."""

    @field_validator("region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region not in SUPPORTED_REGIONS:
            raise ValueError("is not a region that has phone numbers")
        return region


class CommandStatus(StrEnum):
    """How far a command is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


class CommandView(Wire):
    """A command as clients read it: once it is decided with `status_code` and its `result` or `problem`."""

    command_id: UUID
    type: str
    status: CommandStatus
    status_code: int | None = None
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    accepted_at: datetime
    decided_at: datetime | None = None


class HealthView(Wire):
    """All services and stores in one view."""

    status: str
    services: dict[str, Any]
    stores: dict[str, str]
