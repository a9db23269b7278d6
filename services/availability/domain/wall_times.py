"""Rules of a calendar as clients write and read them: weekdays by name, times of day as text. Without I/O."""

from services.availability.domain.calendar import Closed, Extra, Hours, Weekly
from shared.contracts.calendar import ClosedIn, ExtraIn, ScheduleEntry, Weekday

WEEKDAYS = list(Weekday)


def weekly_of(entry: ScheduleEntry) -> Weekly:
    """The rule that an entry writes."""
    return Weekly(_hours(entry), WEEKDAYS.index(entry.weekday) + 1, entry.valid_from, entry.valid_to)


def entry_of(rule: Weekly) -> ScheduleEntry:
    """An entry as it was written."""
    hours = rule.hours
    return ScheduleEntry(
        weekday=WEEKDAYS[rule.weekday - 1],
        start=clock(hours.start_minute),
        end=clock(hours.end_minute),
        location_id=hours.location_id,
        slot_minutes=hours.slot_minutes,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
    )


def rule_of(form: ClosedIn | ExtraIn) -> Closed | Extra:
    """The rule that an exception writes."""
    return Closed(form.from_, form.to) if isinstance(form, ClosedIn) else Extra(_hours(form), form.date)


def clock(minute: int) -> str:
    """A minute of the day as its clock shows it."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _hours(form: ScheduleEntry | ExtraIn) -> Hours:
    return Hours(_minute(form.start), _minute(form.end), form.slot_minutes, form.location_id)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
