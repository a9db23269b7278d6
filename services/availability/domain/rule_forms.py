"""Rules of a calendar as clients write and read them: weekdays by name, times of day as text. Without I/O.

Used by `calendar/schedules.py` and `calendar/exceptions.py`.
"""

from services.availability.domain.calendar import Closed, Extra, Hours, Weekly
from shared.contracts.calendar import ClosedIn, ExtraIn, ScheduleEntry, Weekday

WEEKDAYS = list(Weekday)


def weekly_rule(entry: ScheduleEntry) -> Weekly:
    """The rule that an entry of a schedule states."""
    return Weekly(_hours(entry), WEEKDAYS.index(entry.weekday) + 1, entry.valid_from, entry.valid_to)


def schedule_entry(rule: Weekly) -> ScheduleEntry:
    """The entry that states a rule."""
    hours = rule.hours
    return ScheduleEntry(
        weekday=WEEKDAYS[rule.weekday - 1],
        start=time_text(hours.start_minute),
        end=time_text(hours.end_minute),
        location_id=hours.location_id,
        slot_minutes=hours.slot_minutes,
        valid_from=rule.valid_from,
        valid_to=rule.valid_to,
    )


def exception_rule(form: ClosedIn | ExtraIn) -> Closed | Extra:
    """The rule that an exception states."""
    return Closed(form.from_, form.to) if isinstance(form, ClosedIn) else Extra(_hours(form), form.date)


def time_text(minute: int) -> str:
    """A minute of the day as a clock shows it, `HH:MM`."""
    return f"{minute // 60:02}:{minute % 60:02}"


def _hours(form: ScheduleEntry | ExtraIn) -> Hours:
    return Hours(_minute(form.start), _minute(form.end), form.slot_minutes, form.location_id)


def _minute(text: str) -> int:
    hours, minutes = text.split(":")
    return int(hours) * 60 + int(minutes)
