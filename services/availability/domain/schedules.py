"""What may be written into a calendar: every entry that cannot stand is named with its reason, all at once. Without I/O.

Called by `calendar/schedules.py` and `calendar/exceptions.py` with the locations that the doctor has.
"""

from collections.abc import Collection, Iterator, Mapping
from datetime import date
from itertools import combinations
from uuid import UUID

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, Weekly
from services.availability.domain.dates import range_error
from services.availability.domain.zone_overlaps import ZoneOverlaps
from shared.contracts.calendar import MAX_CLOSED_DAYS
from shared.contracts.problems import FieldError


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
    overlaps = _within_a_zone(sound, zones) | ZoneOverlaps(sound, zones, today).pairs()
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
