"""Dates relative to today, in UTC, which is the zone of a test's clinic. Never of a constant: a run goes on over midnight."""

import datetime as dt


def in_days(days: int = 0) -> dt.date:
    """Today, or so many days from then."""
    return dt.datetime.now(dt.UTC).date() + dt.timedelta(days=days)
