"""Weekly hours of different time zones that overlap, pair by pair, without I/O. Called by `schedules.py`.

While no clock changes, two entries meet each week or never: so of each pair only the weeks are looked at in which both begin to
count, and those around each change of one of their clocks. The number of instants does not grow with the length of a period.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from itertools import combinations
from typing import NamedTuple
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import MINUTE, Weekly, instant
from services.availability.domain.dates import DAY, dates

COMPARED_DAYS = 366
"""Hours of different zones are compared for so long: in a year all changes of their clocks come by."""
KNOWN_DAYS = 3660
"""Hours that begin later than that are not compared: nobody knows these clocks. Slots that overlap are not made in any case."""
FARTHEST = 2 * DAY
"""Hours that meet have no dates farther apart, whatever their zones."""
FORTNIGHT = 14 * DAY
"""Of a weekday it has two dates: of entries that begin within it the second one counts for both."""
BEFORE_CHANGE = 3 * DAY
DAY_MINUTES = 1440


class ZoneClock(NamedTuple):
    """How a zone's clocks go in the period that is compared."""

    changes: Sequence[date]
    """The dates at whose end a clock is not as far ahead as at their beginning, in order."""
    behind_minutes: int
    ahead_minutes: int
    """How far it is ahead of UTC, at least and at most."""


class ZoneOverlaps:
    """The entries of one schedule, by index, with the zone of each."""

    def __init__(self, rules: Mapping[int, Weekly], zones: Mapping[int, str], today: date) -> None:
        self._rules, self._zones, self._today = rules, zones, today
        self._known, self._oldest = today + KNOWN_DAYS * DAY, today - FARTHEST
        self._clocks = {zone: _clock(ZoneInfo(zone), *self._period()) for zone in set(zones.values())}
        self._spans: dict[tuple[int, date], tuple[datetime, datetime]] = {}

    def pairs(self) -> set[tuple[int, int]]:
        """Entries that overlap within a year from when both count, as pairs of indexes."""
        return {(i, j) for i, j in combinations(self._rules, 2) if self._zones[i] != self._zones[j] and self._meet(i, j)}

    def _begin(self, index: int) -> date:
        return max(self._today, self._rules[index].valid_from or self._today)

    def _period(self) -> tuple[date, date]:
        """The dates that are compared of any entries."""
        begins = [begin for begin in map(self._begin, self._rules) if begin <= self._known]
        return self._oldest, max(begins, default=self._today) + COMPARED_DAYS * DAY

    def _meet(self, i: int, j: int) -> bool:
        if not self._can_meet(i, j):
            return False
        shift = _days_between(self._rules[i], self._rules[j])
        return any(self._meet_on(i, day, j, day + shift) for day in self._dates(i, j))

    def _can_meet(self, i: int, j: int) -> bool:
        """Whether they could, if each of the two clocks were as far ahead as it ever is."""
        one, other = self._rules[i], self._rules[j]
        mine, its = self._clocks[self._zones[i]], self._clocks[self._zones[j]]
        shift = _days_between(one, other) // DAY * DAY_MINUTES
        starts = shift + other.hours.start_minute + mine.behind_minutes - its.ahead_minutes
        ends = shift + other.hours.end_minute + mine.ahead_minutes - its.behind_minutes
        return starts < one.hours.end_minute and one.hours.start_minute < ends

    def _dates(self, i: int, j: int) -> Iterator[date]:
        """The dates of the first entry on which it has to be compared with the other one."""
        one, other = self._rules[i], self._rules[j]
        begin = max(self._begin(i), self._begin(j))
        if begin > self._known:
            return
        first, last = begin - FARTHEST, begin + (COMPARED_DAYS - 1) * DAY
        for valid_to in (one.valid_to, other.valid_to):
            last = min(last, valid_to + FARTHEST) if valid_to and valid_to < last else last
        changes = (
            change for zone in (self._zones[i], self._zones[j]) for change in _within(self._clocks[zone].changes, first, last)
        )
        for start in (first, *(change - BEFORE_CHANGE for change in changes)):
            day = start + (one.weekday - start.isoweekday()) % 7 * DAY
            yield from (of_week for of_week in (day, day + FORTNIGHT / 2) if first <= of_week <= last)

    def _meet_on(self, i: int, day: date, j: int, other_day: date) -> bool:
        if min(day, other_day) < self._oldest or not (self._rules[i].is_on(day) and self._rules[j].is_on(other_day)):
            return False
        one, other = self._span(i, day), self._span(j, other_day)
        return one[0] < other[1] and other[0] < one[1]

    def _span(self, index: int, day: date) -> tuple[datetime, datetime]:
        """When the hours of an entry are, on one date."""
        found = self._spans.get((index, day))
        if found is None:
            hours, zone = self._rules[index].hours, ZoneInfo(self._zones[index])
            found = instant(day, hours.start_minute, zone), instant(day, hours.end_minute, zone)
            self._spans[index, day] = found
        return found


def _days_between(one: Weekly, other: Weekly) -> timedelta:
    """From a date of the first entry to the nearest one of the other."""
    return ((other.weekday - one.weekday + 3) % 7 - 3) * DAY


def _within(days: Sequence[date], first: date, last: date) -> Sequence[date]:
    return days[bisect_left(days, first - BEFORE_CHANGE) : bisect_right(days, last + BEFORE_CHANGE)]


def _clock(zone: ZoneInfo, first: date, last: date) -> ZoneClock:
    days = list(dates(first, last + FARTHEST))
    ahead = [_ahead_minutes(day, zone) for day in days]
    changes = [day for day, now, then in zip(days, ahead, ahead[1:], strict=False) if now != then]
    return ZoneClock(changes, min(ahead), max(ahead))


def _ahead_minutes(day: date, zone: ZoneInfo) -> int:
    ahead = datetime.combine(day, time(), zone).utcoffset()
    assert ahead is not None
    return ahead // MINUTE
