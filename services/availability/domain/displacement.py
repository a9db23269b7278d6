"""Which new place each displaced appointment gets, without I/O. Called by `displacement/displace.py`.

A place is a slot with its day, as an appointment has it, or could have it. The appointment with the earlier place chooses first,
and none gets a place that another one has. A number without a time counts as the end of its day, as it does for a cut-off.
"""

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import instant
from services.availability.domain.dates import DAY
from services.availability.domain.days import DayKey
from services.availability.domain.slots import Slot

SPARE_PLACES = 10
"""So many more are locked as are needed, because some may be gone by then."""


class AppointmentPlace(NamedTuple):
    """A place, open or taken. Without a slot it is on a day that has no record yet. Places are in order of `at`."""

    at: datetime
    day: DayKey
    number: int
    slot_id: UUID | None
    time_zone: str
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class DisplacedAppointment(NamedTuple):
    """An appointment that has a place for which its doctor's calendar does not ask any more."""

    appointment_id: UUID
    reservation_id: UUID
    place: AppointmentPlace


class Placement(NamedTuple):
    """A displaced appointment and its new place, if there is one."""

    displaced: DisplacedAppointment
    new_place: AppointmentPlace | None


def place_of(day: DayKey, slot: Slot, time_zone: str) -> AppointmentPlace:
    """The place that a slot is, with the instant at which it counts; `time_zone` is the day's if the slot has no times."""
    at = slot.starts_at or _end_of(day, time_zone)
    return AppointmentPlace(at, day, slot.number, slot.id, time_zone, slot.location_id, slot.starts_at, slot.ends_at)


def places_of_missing_days(days: Mapping[DayKey, str], capacity: int) -> list[AppointmentPlace]:
    """The places of days without a record, by their zones, as their first booking would make them."""
    numbers = range(1, capacity + 1)
    return [AppointmentPlace(_end_of(day, zone), day, number, None, zone) for day, zone in days.items() for number in numbers]


@dataclass(frozen=True)
class PlaceBound:
    """From where on a new place may be: not before a date that is asked for, else later than the old place, or on its date."""

    later: bool
    not_before: date | None = None

    def dates(self, displaced: Iterable[DisplacedAppointment]) -> list[date]:
        """The dates from which on places are needed, unless these are to be later than the old one."""
        return sorted({self.not_before or one.place.day.date for one in displaced})

    @property
    def by_date(self) -> bool:
        """Whether the dates alone decide."""
        return not self.later or self.not_before is not None

    def allows(self, place: AppointmentPlace, displaced: DisplacedAppointment) -> bool:
        """Whether the appointment may get the place."""
        if self.by_date:
            return place.day.date >= (self.not_before or displaced.place.day.date)
        return place.at > displaced.place.at


def assign_places(
    displaced: Iterable[DisplacedAppointment], places: Iterable[AppointmentPlace], bound: PlaceBound
) -> list[Placement]:
    """Gives each appointment in order of its old place the first one that is left from where on it may be."""
    left = deque(sorted(places))
    placements = []
    for one in sorted(displaced, key=lambda one: (one.place, one.appointment_id)):
        while left and not bound.allows(left[0], one):
            left.popleft()
        placements.append(Placement(one, left.popleft() if left else None))
    return placements


def days_to_lock(placements: Sequence[Placement], places: Iterable[AppointmentPlace]) -> set[DayKey]:
    """The days of the places that were given, and of some behind them. None is made for those: they may never be needed."""
    given = [one.new_place for one in placements if one.new_place]
    last = max(given).at if given else None
    spare = sorted(place for place in places if last and place.at > last and place.slot_id)
    return {place.day for place in (*given, *spare[:SPARE_PLACES])}


def count_unplaced(placements: Iterable[Placement]) -> int:
    """For how many appointments there is no new place."""
    return sum(one.new_place is None for one in placements)


def _end_of(day: DayKey, time_zone: str) -> datetime:
    """When a place without a time counts."""
    return instant(day.date + DAY, 0, ZoneInfo(time_zone))
