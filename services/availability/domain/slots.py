"""Slots and their reservations: a slot is free, or taken by exactly one reservation for one appointment. Without I/O."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple
from uuid import UUID


@dataclass(frozen=True)
class Slot:
    """One bookable unit of a day: a number, and on a timed day a start and an end."""

    id: UUID
    number: int
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    time_zone: str | None = None


class Reservation(NamedTuple):
    """What takes a slot, and the appointment that it is for."""

    slot_id: UUID
    reservation_id: UUID
    appointment_id: UUID


class ReservationKey(NamedTuple):
    """What a release names: it acts only while the slot is taken by exactly this reservation."""

    clinic_id: UUID
    slot_id: UUID
    reservation_id: UUID


class NamedSlot(NamedTuple):
    """A slot that a command names, whether its calendar still asks for it, and its reservation, if it is taken."""

    slot: Slot
    published: bool
    reservation: Reservation | None
