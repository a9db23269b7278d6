"""Dates: which one is today in a time zone, from which one on anything may still be to come, and ranges of them.

Without I/O. Used all over availability.
"""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.problems import FieldError

DAY = timedelta(days=1)
OLDEST_TODAY = timedelta(days=2)
"""No zone's today, and no slot that has not ended, has a date so long before that of UTC."""


def today(zone: str, now: datetime) -> date:
    """The date in this time zone."""
    return now.astimezone(ZoneInfo(zone)).date()


def oldest_date(now: datetime) -> date:
    """The first date that may hold something that is still to come, whatever its time zone."""
    return now.date() - OLDEST_TODAY


def dates(first: date, last: date) -> Iterator[date]:
    """All dates from the first to the last."""
    return (first + days * DAY for days in range((last - first).days + 1))


def range_error(first: date, last: date, max_days: int) -> FieldError | None:
    """What is wrong with a range of dates, both inclusive, that a client sends as `from` and `to`."""
    if last < first:
        return FieldError(field="to", reason="must not be earlier than from")
    too_long = (last - first).days >= max_days
    return FieldError(field="to", reason=f"must be within {max_days} days") if too_long else None
