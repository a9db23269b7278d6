"""Dates: whose zone decides a doctor's days, which one is today in a zone, from which on anything may be to come, and ranges.

Without I/O. Used all over availability.
"""

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from shared.contracts.problems import FieldError

DAY = timedelta(days=1)
OLDEST_TODAY = timedelta(days=2)
"""No zone's today, and no slot that has not ended, has a date so long before that of UTC."""


def doctor_zone(location_zones: Sequence[str | None], clinic_zone: str) -> str:
    """The zone of a doctor's days, and of hours without a location: that of the only location, else the clinic's.

    `location_zones` are those of all locations of the doctor; None is a location that has the clinic's.
    """
    return (location_zones[0] if len(location_zones) == 1 else None) or clinic_zone


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
