"""Whose wall time changes with a zone: those for whom a clock shows another time, not those whose zone has another name only."""

import datetime as dt
from uuid import UUID

from services.availability.domain.wall_times import TakenTime, wall_time_changes

WINTER, SUMMER = dt.datetime(2026, 1, 12, 11, tzinfo=dt.UTC), dt.datetime(2026, 7, 13, 10, tzinfo=dt.UTC)
HERE = UUID(int=9)


def taken(number: int, at: dt.datetime, booked: str, *now: str | None, location: UUID | None = HERE) -> TakenTime:
    """A taken slot at the only location, whose zone is this now; without one it is the doctor's."""
    return TakenTime(UUID(int=number), at, booked, location, now[0] if location else None, now)


def test_they_are_told_in_order_of_start_and_once() -> None:
    azores = [taken(2, SUMMER, "Europe/London", "Atlantic/Azores"), taken(1, WINTER, "Europe/London", "Atlantic/Azores")]
    assert wall_time_changes([*azores, *azores], "UTC") == [UUID(int=1), UUID(int=2)]


def test_a_zone_that_shows_the_same_time_changes_nothing() -> None:
    """London and Reykjavik differ in summer only."""
    both = [taken(1, WINTER, "Europe/London", "Atlantic/Reykjavik"), taken(2, SUMMER, "Europe/London", "Atlantic/Reykjavik")]
    assert wall_time_changes(both, "UTC") == [UUID(int=2)]


def test_without_a_zone_of_its_own_it_is_the_clinics() -> None:
    by_location, by_doctor = taken(1, WINTER, "UTC", None), taken(2, WINTER, "UTC", "Asia/Tokyo", location=None)
    several = taken(3, WINTER, "UTC", "Asia/Tokyo", "Asia/Dubai", location=None)
    assert wall_time_changes([by_location, by_doctor, several], "UTC") == [UUID(int=2)]
    assert wall_time_changes([by_location, by_doctor, several], "Asia/Dubai") == [UUID(int=1), UUID(int=2), UUID(int=3)]
