"""Which slots a doctor's calendar asks for: weekly hours, extra hours, closed dates, each in the zone of its location.

Without I/O. People agree on wall time: a slot is where its local start and end are, and is left out where a change of the clocks
makes it longer, shorter or impossible. `slot_generation.py` compares this with what is there, `schedules.py` says what may be
written.
"""

from bisect import bisect
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.dates import dates, doctor_zone

MINUTE = timedelta(minutes=1)
DateSpan = tuple[date, date]
"""A first and a last date."""


class TimedSlot(NamedTuple):
    """A slot that has a time. Its date is that of its local start."""

    date: date
    starts_at: datetime
    ends_at: datetime
    location_id: UUID | None
    time_zone: str


class Hours(NamedTuple):
    """Hours of a day in minutes of wall time since midnight; 1440 is 24:00. Slots begin at their start."""

    start_minute: int
    end_minute: int
    slot_minutes: int
    location_id: UUID | None = None


class Weekly(NamedTuple):
    """Hours of one weekday (1 is Monday), both validity dates inclusive."""

    hours: Hours
    weekday: int
    valid_from: date | None = None
    valid_to: date | None = None

    def is_on(self, day: date) -> bool:
        """Whether these are hours of the date."""
        begun = self.valid_from is None or self.valid_from <= day
        return begun and day.isoweekday() == self.weekday and (self.valid_to is None or day <= self.valid_to)


class Extra(NamedTuple):
    """Hours of one date beside the weekly ones."""

    hours: Hours
    date: date

    @property
    def dates(self) -> DateSpan:
        """Its first and its last date."""
        return self.date, self.date


class Closed(NamedTuple):
    """Dates without any hours, both inclusive."""

    first: date
    last: date

    @property
    def dates(self) -> DateSpan:
        """Its first and its last date."""
        return self.first, self.last


@dataclass(frozen=True)
class Calendar:
    """All rules of one doctor, each kind in its order: of two slots that overlap the earlier rule's counts."""

    zone: str
    """The doctor's own (`doctor_zone`): of hours without a location, and of days without hours."""
    weekly: Sequence[Weekly] = ()
    """A doctor who has any follows this schedule, in place of daily capacity."""
    extra: Sequence[Extra] = ()
    closed: Sequence[Closed] = ()
    zones: Mapping[UUID, str] = field(default_factory=dict)
    """Of locations."""

    @classmethod
    def of(cls, clinic_zone: str, weekly: Sequence[Weekly], location_zones: Mapping[UUID, str | None]) -> "Calendar":
        """The calendar of a doctor who has these entries and locations, without exceptions. A location without a zone has the
        clinic's."""
        zones = {location: zone or clinic_zone for location, zone in location_zones.items()}
        return cls(doctor_zone(list(location_zones.values()), clinic_zone), weekly, zones=zones)

    def with_exceptions(self, exceptions: Iterable[Closed | Extra]) -> "Calendar":
        """The same weekly hours with these exceptions in the place of those before."""
        rules = list(exceptions)
        return replace(
            self,
            extra=[rule for rule in rules if isinstance(rule, Extra)],
            closed=[rule for rule in rules if isinstance(rule, Closed)],
        )

    def is_timed(self, day: date) -> bool:
        """Whether the date has slots with times, or none at all, in place of daily capacity."""
        return bool(self.weekly) or any(extra.date == day for extra in self.extra)

    def hours_of(self, day: date) -> list[Hours]:
        """The hours of a date, the schedule's first; none if the doctor is away."""
        if any(closed.first <= day <= closed.last for closed in self.closed):
            return []
        weekly = [rule.hours for rule in self.weekly if rule.is_on(day)]
        return weekly + [rule.hours for rule in self.extra if rule.date == day]

    def zone_of(self, hours: Hours) -> str:
        """The time zone of these hours: that of their location."""
        return self.zone if hours.location_id is None else self.zones.get(hours.location_id, self.zone)


def instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    """When a wall clock shows this, the first time if twice; if it skips it, when it would have."""
    return (datetime.combine(day, time(), zone) + minute * MINUTE).astimezone(UTC)


def shown(day: date, minute: int, zone: ZoneInfo) -> datetime | None:
    """When a wall clock really shows this, the first time if twice."""
    at = instant(day, minute, zone)
    there = at.astimezone(zone).replace(tzinfo=None) == datetime.combine(day, time()) + minute * MINUTE
    return at if there else None


def slots_of(hours: Hours, day: date, time_zone: str) -> Iterator[TimedSlot]:
    """The slots of hours on a date. A last partial one is none."""
    zone, length = ZoneInfo(time_zone), hours.slot_minutes
    bounds = [shown(day, minute, zone) for minute in range(hours.start_minute, hours.end_minute + 1, length)]
    for starts_at, ends_at in pairwise(bounds):
        if starts_at and ends_at and ends_at - starts_at == length * MINUTE:
            yield TimedSlot(day, starts_at, ends_at, hours.location_id, time_zone)


class Timeline:
    """Spans of time of which no two overlap."""

    def __init__(self, spans: Iterable[tuple[datetime, datetime]] = ()) -> None:
        self._spans = sorted(spans)

    def add(self, starts_at: datetime, ends_at: datetime) -> bool:
        """Adds a span unless it overlaps another, and answers whether it did."""
        if not self._spans or self._spans[-1][1] <= starts_at:  # most come in order
            self._spans.append((starts_at, ends_at))
            return True
        index = bisect(self._spans, (starts_at, ends_at))
        before, after = self._spans[max(index - 1, 0) : index], self._spans[index : index + 1]
        if any(other[1] > starts_at for other in before) or any(other[0] < ends_at for other in after):
            return False
        self._spans.insert(index, (starts_at, ends_at))
        return True


def calendar_slots(calendar: Calendar, first: date, last: date) -> list[TimedSlot]:
    """The slots that the calendar asks for on these dates; one that overlaps an earlier one, also of another date, is none."""
    kept, timeline = [], Timeline()
    for day in dates(first, last):
        for hours in calendar.hours_of(day):
            slots = slots_of(hours, day, calendar.zone_of(hours))
            kept += [slot for slot in slots if timeline.add(slot.starts_at, slot.ends_at)]
    return kept
