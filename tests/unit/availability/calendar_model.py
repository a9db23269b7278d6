"""A slow, obvious model of a calendar: it walks every minute of UTC, reads the clock of a zone, and looks what the rules say.

Written without the code that it judges: no wall time is turned into UTC here, only the other way, which is never ambiguous.
"""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from uuid import UUID
from zoneinfo import ZoneInfo

MINUTE = dt.timedelta(minutes=1)


@dataclass(frozen=True)
class Rule:
    """Hours of a weekday (`mon` is 0) or of one date, in minutes of that day."""

    start: int
    end: int
    length: int
    zone: str
    location: UUID | None = None
    weekday: int | None = None
    date: dt.date | None = None
    valid_from: dt.date = dt.date.min
    valid_to: dt.date = dt.date.max

    def applies(self, day: dt.date) -> bool:
        if self.date is not None:
            return day == self.date
        return day.weekday() == self.weekday and self.valid_from <= day <= self.valid_to


@dataclass(frozen=True)
class Offered:
    """A slot: the date and the place it belongs to, its first instant and the first one behind it."""

    date: dt.date
    starts_at: dt.datetime
    ends_at: dt.datetime
    location: UUID | None
    zone: str


@cache
def clock(zone: str, first: dt.date, last: dt.date) -> dict[dt.datetime, int]:
    """What a wall clock shows, minute by minute, with the first minute of UTC at which it does."""
    begin, end = (number(dt.datetime.combine(day, dt.time(), dt.UTC)) for day in (first, last))
    shown: dict[dt.datetime, int] = {}
    for minute in range(begin - 2 * 1440, end + 3 * 1440):
        shown.setdefault(instant(minute).astimezone(ZoneInfo(zone)).replace(tzinfo=None), minute)
    return shown


def number(at: dt.datetime) -> int:
    """The minutes of UTC so far."""
    return int(at.timestamp()) // 60


def instant(minute: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(minute * 60, dt.UTC)


def offered(
    weekly: Sequence[Rule], extra: Sequence[Rule], closed: Sequence[tuple[dt.date, dt.date]], days: Sequence[dt.date]
) -> list[Offered]:
    """All slots of these dates, each rule's in its turn; one that shares a minute with an earlier one is left out."""
    busy: set[int] = set()
    found = []
    for day in days:
        if any(first <= day <= last for first, last in closed):
            continue
        for rule in (*weekly, *extra):
            for minutes in _slots(rule, day, days) if rule.applies(day) else ():
                if busy.isdisjoint(minutes):
                    busy.update(minutes)
                    found.append(Offered(day, instant(minutes[0]), instant(minutes[-1] + 1), rule.location, rule.zone))
    return found


def _slots(rule: Rule, day: dt.date, days: Sequence[dt.date]) -> Iterator[range]:
    """The minutes from what the clock shows at the start of a slot to what it shows at the end, if it shows both and these are
    as many as the slot is long."""
    shown, midnight = clock(rule.zone, days[0], days[-1]), dt.datetime.combine(day, dt.time())
    for start in range(rule.start, rule.end - rule.length + 1, rule.length):
        first, behind = shown.get(midnight + start * MINUTE), shown.get(midnight + (start + rule.length) * MINUTE)
        if first is not None and behind is not None and len(range(first, behind)) == rule.length:
            yield range(first, behind)
