"""Which new place each displaced appointment gets, without I/O. Called by `displacement/displace.py`.

Who had the earlier place chooses first, and nobody gets a place that another one has. A number without a time counts as the end
of its day, as it does for a cut-off.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import DAY, instant
from services.availability.domain.days import DayKey

SPARE_PLACES = 10
"""So many more are locked as are wanted, because some may be gone by then."""


class Place(NamedTuple):
    """A place, open or taken. Without an id it is on a day that has no record yet."""

    at: datetime
    day: DayKey
    number: int
    slot_id: UUID | None
    time_zone: str
    location_id: UUID | None = None
    starts_at: datetime | None = None
    ends_at: datetime | None = None


class Lost(NamedTuple):
    """An appointment that holds a place which its doctor's calendar has no more."""

    appointment_id: UUID
    reservation_id: UUID
    place: Place


class Match(NamedTuple):
    """A displaced appointment and its new place, if there is one."""

    lost: Lost
    place: Place | None


def place_of(
    day: DayKey,
    number: int,
    slot_id: UUID | None,
    time_zone: str,
    *,
    location_id: UUID | None = None,
    starts_at: datetime | None = None,
    ends_at: datetime | None = None,
) -> Place:
    """A place with the instant at which it counts."""
    at = starts_at or instant(day.date + DAY, 0, ZoneInfo(time_zone))
    return Place(at, day, number, slot_id, time_zone, location_id, starts_at, ends_at)


def unmade_places(days: Iterable[DayKey], capacity: int, zone: str) -> list[Place]:
    """The places of days without a record, as their first booking would make them."""
    return [place_of(day, number, None, zone) for day in days for number in range(1, capacity + 1)]


def match(lost: Iterable[Lost], places: Iterable[Place], *, later: bool) -> list[Match]:
    """Gives each appointment in order of its old place the first one that is left, or the first one `later` than the old."""
    left = deque(sorted(places))
    matches = []
    for one in sorted(lost, key=lambda one: (one.place, one.appointment_id)):
        while later and left and left[0].at <= one.place.at:
            left.popleft()
        matches.append(Match(one, left.popleft() if left else None))
    return matches


def days_to_lock(matches: Sequence[Match], places: Iterable[Place]) -> set[DayKey]:
    """The days of the places that were given, and of some behind them. None is made for those: they may never be needed."""
    given = [one.place for one in matches if one.place]
    last = max(given).at if given else None
    spare = sorted(place for place in places if last and place.at > last and place.slot_id)
    return {place.day for place in (*given, *spare[:SPARE_PLACES])}


def unplaced(matches: Iterable[Match]) -> int:
    """For how many there is nothing."""
    return sum(one.place is None for one in matches)
