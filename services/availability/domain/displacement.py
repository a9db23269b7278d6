"""Which new place each displaced appointment gets, without I/O. Called by `displacement/displace.py`.

A place is a slot with its day, as an appointment has it, or could have it. The appointment with the earlier place chooses first,
and none gets a place that another one has. A number without a time counts as the end of its day, as it does for a cut-off.
"""

from collections import Counter, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import instant
from services.availability.domain.dates import DAY, oldest_date
from services.availability.domain.days import DayKey
from services.availability.domain.slots import Slot

SPARE_PLACES = 10
"""So many more are locked as are needed, because some may be gone by then."""


class AppointmentPlace(NamedTuple):
    """A place, open or taken. Without a slot it is on a day that has no record yet, or one of the free numbers of a day, told by
    its rank among these. Places are in order of `at`."""

    at: datetime
    day: DayKey
    number: int
    slot_id: UUID | None
    time_zone: str
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class OpenPlaces(NamedTuple):
    """What is open and counts at one instant: one place with a time, or so many numbers of a day, which are not listed."""

    at: datetime
    day: DayKey
    number: int
    time_zone: str
    timed: AppointmentPlace | None = None
    recorded: bool = True
    """Whether the day has a record; else its first booking makes it."""

    def place(self, rank: int) -> AppointmentPlace:
        """The first, second, … of them."""
        return self.timed or AppointmentPlace(self.at, self.day, rank, None, self.time_zone)


class PlaceStart(NamedTuple):
    """From this date on, and later than `after`, so many places are needed."""

    first: date
    after: datetime
    needed: int


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


def open_time(place: AppointmentPlace) -> OpenPlaces:
    """A place with a time, which is open."""
    return OpenPlaces(place.at, place.day, 1, place.time_zone, place)


def open_numbers(day: DayKey, time_zone: str, number: int, *, recorded: bool) -> OpenPlaces:
    """So many numbers of a day that are open."""
    return OpenPlaces(_end_of(day, time_zone), day, number, time_zone, recorded=recorded)


@dataclass(frozen=True)
class PlaceBound:
    """From where on a new place may be: not before a date that is asked for, else later than the old place, or on its date."""

    later: bool
    not_before: date | None = None

    def starts(self, displaced: Sequence[DisplacedAppointment], now: datetime) -> list[PlaceStart]:
        """From where on how many places are needed, of appointments in order of their places.

        Of the first places from there on no more are taken by the appointments before: so none farther away is chosen.
        """
        needed: dict[tuple[date, datetime], int] = {}
        for rank, one in enumerate(displaced, 1):
            oldest = oldest_date(now if self.by_date else one.place.at)
            first = max(oldest, self.not_before or one.place.day.date) if self.by_date else oldest
            needed[first, now if self.by_date else one.place.at] = rank + SPARE_PLACES
        return [PlaceStart(*start, number) for start, number in needed.items()]

    @property
    def by_date(self) -> bool:
        """Whether the dates alone decide."""
        return not self.later or self.not_before is not None

    def allows(self, place: OpenPlaces, displaced: DisplacedAppointment) -> bool:
        """Whether the appointment may get the place."""
        if self.by_date:
            return place.day.date >= (self.not_before or displaced.place.day.date)
        return place.at > displaced.place.at


def assign_places(displaced: Iterable[DisplacedAppointment], places: Iterable[OpenPlaces], bound: PlaceBound) -> list[Placement]:
    """Gives each appointment in order of its old place the first one that is left from where on it may be."""
    left, given = deque(_in_order(places)), 0
    placements = []
    for one in sorted(displaced, key=lambda one: (one.place, one.appointment_id)):
        while left and (given == left[0].number or not bound.allows(left[0], one)):
            left.popleft()
            given = 0
        given += 1
        placements.append(Placement(one, left[0].place(given) if left else None))
    return placements


def numbers_needed(placements: Iterable[Placement], places: Iterable[OpenPlaces]) -> Counter[DayKey]:
    """Of which recorded days how many numbers were given."""
    daily = {place.day for place in places if place.recorded and not place.timed}
    return Counter(one.new_place.day for one in placements if one.new_place and one.new_place.day in daily)


def with_slots(placements: Iterable[Placement], free: Mapping[DayKey, Sequence[Slot]]) -> list[Placement]:
    """The placements with the slots of the free numbers of these days; who finds none has no new place."""
    return [one._replace(new_place=_with_slot(one.new_place, free)) for one in placements]


def _with_slot(place: AppointmentPlace | None, free: Mapping[DayKey, Sequence[Slot]]) -> AppointmentPlace | None:
    if place is None or place.day not in free:
        return place
    slots = free[place.day]
    return place_of(place.day, slots[place.number - 1], place.time_zone) if place.number <= len(slots) else None


def days_to_lock(placements: Sequence[Placement], places: Iterable[OpenPlaces]) -> set[DayKey]:
    """The days of the places that were given, and of some behind them. None is made for those: they may never be needed."""
    given = [one.new_place for one in placements if one.new_place]
    days, spare = {place.day for place in given}, SPARE_PLACES
    last = max((place.at for place in given), default=None)
    for place in _in_order(place for place in places if last and place.at > last and place.recorded):
        if spare > 0:
            days.add(place.day)
        spare -= place.number
    return days


def _in_order(places: Iterable[OpenPlaces]) -> list[OpenPlaces]:
    return sorted(places, key=lambda place: (place.at, place.day, place.timed.number if place.timed else 0))


def count_unplaced(placements: Iterable[Placement]) -> int:
    """For how many appointments there is no new place."""
    return sum(one.new_place is None for one in placements)


def _end_of(day: DayKey, time_zone: str) -> datetime:
    """When a place without a time counts."""
    return instant(day.date + DAY, 0, ZoneInfo(time_zone))
