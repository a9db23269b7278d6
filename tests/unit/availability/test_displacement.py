"""Who of the displaced gets which place: in order of the old places, later ones only where that is asked for, none twice."""

import datetime as dt
from uuid import UUID

import pytest

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import (
    AppointmentPlace,
    DisplacedAppointment,
    PlaceBound,
    assign_places,
    count_unplaced,
    days_to_lock,
    places_of_missing_days,
)

pytestmark = pytest.mark.unit

CLINIC, DOCTOR, OTHER = (UUID(int=number) for number in (1, 2, 3))
MONDAY = dt.date(2026, 3, 2)
LATER = PlaceBound(later=True)


def timed(hour: int, day: int = 0, doctor: UUID = DOCTOR) -> AppointmentPlace:
    date = MONDAY + dt.timedelta(days=day)
    start = dt.datetime(date.year, date.month, date.day, hour, tzinfo=dt.UTC)
    end = start + dt.timedelta(hours=1)
    return AppointmentPlace(start, DayKey(CLINIC, doctor, date), hour, UUID(int=hour), "UTC", None, start, end)


def numbers(day: int, capacity: int, zone: str = "UTC", doctor: UUID = DOCTOR) -> list[AppointmentPlace]:
    return places_of_missing_days({DayKey(CLINIC, doctor, MONDAY + dt.timedelta(days=day)): zone}, capacity)


def displaced(*places: AppointmentPlace) -> list[DisplacedAppointment]:
    return [DisplacedAppointment(UUID(int=100 + number), UUID(int=200 + number), place) for number, place in enumerate(places)]


def given(
    displaced: list[DisplacedAppointment], places: list[AppointmentPlace], bound: PlaceBound = LATER
) -> list[AppointmentPlace | None]:
    return [one.new_place for one in assign_places(displaced, places, bound)]


def test_the_earlier_place_chooses_first() -> None:
    placements = assign_places(displaced(timed(10), timed(9)), [timed(13), timed(12)], LATER)
    assert [(one.displaced.place.number, one.new_place and one.new_place.number) for one in placements] == [(9, 12), (10, 13)]


def test_a_later_place_is_later_than_the_old_one() -> None:
    assert given(displaced(timed(10)), [timed(9), timed(10, doctor=OTHER)]) == [None]
    assert given(displaced(timed(10)), [timed(9), timed(11)]) == [timed(11)]


def test_what_is_too_early_for_one_is_not_kept_for_the_next() -> None:
    assert given(displaced(timed(9), timed(9, day=2)), [timed(10), timed(11), timed(9, day=1)]) == [timed(10), None]


def test_a_colleagues_place_is_not_before_the_date_of_the_old_one() -> None:
    """Earlier the same day it may be."""
    soon, before, same, after = (timed(hour, day, doctor=OTHER) for hour, day in ((8, 0), (16, 2), (8, 3), (8, 4)))
    places = [after, same, before, soon]
    assert given(displaced(timed(9, day=3), timed(10, day=3)), places, PlaceBound(later=False)) == [same, after]


def test_it_is_as_early_as_is_asked_for() -> None:
    asked = MONDAY + dt.timedelta(days=1)
    early, places = timed(8, day=1), [timed(9, day=4), timed(8, day=1), timed(7)]
    for later in (True, False):
        assert given(displaced(timed(9, day=3)), places, PlaceBound(later, asked)) == [early]


def test_nothing_is_given_twice_and_the_rest_gets_nothing() -> None:
    placements = assign_places(displaced(timed(9), timed(10), timed(11)), [timed(9, day=1)], LATER)
    assert [one.new_place for one in placements] == [timed(9, day=1), None, None] and count_unplaced(placements) == 2


def test_a_number_counts_as_the_end_of_its_day() -> None:
    old, new = numbers(0, 1), numbers(1, 2)
    assert given(displaced(*old), [*old, *new]) == [new[0]]
    assert given(displaced(*old), [timed(23), timed(0, day=1), *new]) == [new[0]], "midnight is not later than the end of the day"
    assert given(displaced(timed(9)), [*new, timed(10, day=1)]) == [timed(10, day=1)], "times of a date are before its numbers"


def test_the_end_of_a_day_is_that_of_its_zone() -> None:
    (kathmandu,) = numbers(0, 1, "Asia/Kathmandu")
    assert kathmandu.at == dt.datetime(2026, 3, 2, 18, 15, tzinfo=dt.UTC)


def test_days_that_are_given_are_locked_with_some_behind_them() -> None:
    placements = assign_places(displaced(timed(9)), [timed(10, day=1)], LATER)
    places = [timed(9, day=-1), timed(10, day=1), timed(10, day=4), *numbers(2, 1)]
    assert {day.date.day for day in days_to_lock(placements, places)} == {3, 6}, "no day is made for a place that is only spare"
    assert days_to_lock([], places) == set()


def test_not_all_that_is_behind_is_locked() -> None:
    placements = assign_places(displaced(timed(9)), [timed(10)], LATER)
    assert len(days_to_lock(placements, [timed(9, day) for day in range(1, 30)])) == 11
