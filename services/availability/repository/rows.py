"""How rows become what the domain knows. Used by the modules of plain SQL."""

from typing import Any

from services.availability.domain.days import DayKey
from services.availability.domain.slots import Reservation, Slot

SLOT_COLUMNS = ("id", "number", "location_id", "starts_at", "ends_at", "time_zone")


def day_key(row: Any) -> DayKey:
    """The day that a row is about."""
    return DayKey(row["clinic_id"], row["doctor_id"], row["date"])


def slot_of(row: Any) -> Slot:
    """The slot of a row."""
    return Slot(**{name: row[name] for name in SLOT_COLUMNS})


def reservation_of(row: Any) -> Reservation | None:
    """What has taken the slot of a row, if it is taken."""
    return Reservation(row["id"], row["reservation_id"], row["appointment_id"]) if row["reservation_id"] else None
