"""Whose wall time changes when a zone does: the instant of a taken slot stays, and a clock there shows another time for it.

Without I/O. Used where locations change, and where the gateway asks before it changes the clinic's zone.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.dates import doctor_zone


class TakenTime(NamedTuple):
    """A slot to come that is taken: when, by which zone it was booked, and what decides its zone now."""

    appointment_id: UUID
    starts_at: datetime
    time_zone: str
    location_id: UUID | None
    location_zone: str | None
    location_zones: Sequence[str | None]
    """Of all locations of the doctor."""

    def zone(self, clinic_zone: str) -> str:
        """The zone that it has by its location, or else by its doctor."""
        if self.location_id is None:
            return doctor_zone(self.location_zones, clinic_zone)
        return self.location_zone or clinic_zone


def wall_time_changes(taken: Iterable[TakenTime], clinic_zone: str) -> list[UUID]:
    """The appointments whose clock shows another time than they were booked for, in order of start, each once."""
    changed = (one for one in taken if _shown(one.starts_at, one.time_zone) != _shown(one.starts_at, one.zone(clinic_zone)))
    by_start = sorted((one.starts_at, one.appointment_id) for one in changed)
    return list(dict.fromkeys(appointment for _, appointment in by_start))


def _shown(at: datetime, zone: str) -> datetime:
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
