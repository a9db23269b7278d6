"""What may be written into a calendar: every entry that cannot stand is named with its reason, all at once. Without I/O.

Called by `calendar/schedules.py` and `calendar/exceptions.py` with the locations that the doctor has.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date, datetime
from itertools import combinations
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, Weekly, instant
from services.availability.domain.dates import DAY, range_error
from shared.contracts.calendar import MAX_CLOSED_DAYS
from shared.contracts.problems import FieldError

COMPARED_DAYS = 366
"""Hours of different zones are compared for so long: in a year all changes of their clocks come by."""
KNOWN_DAYS = 3660
"""Hours that begin later than that are not compared: nobody knows these clocks. Slots that overlap are not made in any case."""


class Span(NamedTuple):
    """When the hours of an entry are, on one date; `entry` is the entry's index."""

    starts_at: datetime
    ends_at: datetime
    entry: int


def hours_errors(hours: Hours, locations: Collection[UUID], path: str = "") -> Iterator[FieldError]:
    """What is wrong with hours by themselves."""
    if hours.end_minute <= hours.start_minute:
        yield FieldError(field=f"{path}end", reason="must be later than start")
    if hours.location_id is not None and hours.location_id not in locations:
        yield FieldError(field=f"{path}location_id", reason="is no location of this doctor")


def exception_errors(rule: Closed | Extra, locations: Collection[UUID]) -> list[FieldError]:
    """What is wrong with an exception."""
    if isinstance(rule, Extra):
        return list(hours_errors(rule.hours, locations))
    error = range_error(rule.first, rule.last, MAX_CLOSED_DAYS)
    return [error] if error else []


def schedule_errors(calendar: Calendar, today: date) -> list[FieldError]:
    """What is wrong with the weekly hours of a calendar. An overlap is named at the later entry."""
    sound: dict[int, Weekly] = {}
    errors = []
    for index, rule in enumerate(calendar.weekly):
        found = list(_entry_errors(rule, calendar.zones, f"entries.{index}."))
        errors += found
        if not found:
            sound[index] = rule
    zones = {index: calendar.zone_of(rule.hours) for index, rule in sound.items()}
    overlaps = _within_a_zone(sound, zones) | _between_zones(sound, zones, today)
    return errors + [
        FieldError(field=f"entries.{later}", reason=f"overlaps entries.{first}") for first, later in sorted(overlaps)
    ]


def _entry_errors(rule: Weekly, locations: Collection[UUID], path: str) -> Iterator[FieldError]:
    yield from hours_errors(rule.hours, locations, path)
    if rule.valid_from and rule.valid_to and rule.valid_to < rule.valid_from:
        yield FieldError(field=f"{path}valid_to", reason="must not be earlier than valid_from")


def _within_a_zone(rules: Mapping[int, Weekly], zones: Mapping[int, str]) -> set[tuple[int, int]]:
    """Entries of one time zone that overlap, as pairs of indexes."""
    pairs = combinations(rules.items(), 2)
    return {(i, j) for (i, one), (j, other) in pairs if zones[i] == zones[j] and _overlap(one, other)}


def _overlap(one: Weekly, other: Weekly) -> bool:
    """Whether two entries of one time zone have minutes of a date in common."""
    first = max(one.valid_from or date.min, other.valid_from or date.min)
    last = min(one.valid_to or date.max, other.valid_to or date.max)
    begin = max(one.hours.start_minute, other.hours.start_minute)
    end = min(one.hours.end_minute, other.hours.end_minute)
    until_weekday = (one.weekday - first.isoweekday()) % 7
    return one.weekday == other.weekday and until_weekday <= (last - first).days and begin < end


def _between_zones(rules: Mapping[int, Weekly], zones: Mapping[int, str], today: date) -> set[tuple[int, int]]:
    """Entries of different time zones that overlap within a year from when both count, as pairs of indexes."""
    if len(set(zones.values())) < 2:
        return set()
    begins = {max(today, rule.valid_from or today) for rule in rules.values()}
    known = (begin for begin in begins if begin <= today + KNOWN_DAYS * DAY)
    days = {begin + n * DAY for begin in known for n in range(-1, COMPARED_DAYS)}
    pairs, open_spans = set(), list[Span]()
    for span in sorted(_spans(rules, zones, days)):
        open_spans = [other for other in open_spans if other.ends_at > span.starts_at]
        met = (other.entry for other in open_spans if zones[other.entry] != zones[span.entry])
        pairs |= {(min(index, span.entry), max(index, span.entry)) for index in met}
        open_spans.append(span)
    return pairs


def _spans(rules: Mapping[int, Weekly], zones: Mapping[int, str], days: Collection[date]) -> Iterator[Span]:
    for index, rule in rules.items():
        zone = ZoneInfo(zones[index])
        for day in days:
            if rule.is_on(day):
                yield Span(instant(day, rule.hours.start_minute, zone), instant(day, rule.hours.end_minute, zone), index)
