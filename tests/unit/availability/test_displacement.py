"""Who of the displaced gets which place: in order of the old places, later ones only where that is asked for, none twice."""

import datetime as dt
import random
from collections import Counter
from uuid import UUID

import pytest

from services.availability.domain.days import DayKey
from services.availability.domain.displacement import (
    AppointmentPlace,
    DisplacedAppointment,
    OpenPlaces,
    PlaceBound,
    Placement,
    assign_places,
    count_unplaced,
    days_to_lock,
    numbers_needed,
    open_numbers,
    open_time,
    with_slots,
)
from services.availability.domain.slots import Slot

pytestmark = pytest.mark.unit

CLINIC, DOCTOR, OTHER = (UUID(int=number) for number in (1, 2, 3))
MONDAY = dt.date(2026, 3, 2)
LATER = PlaceBound(later=True)


def timed(hour: int, day: int = 0, doctor: UUID = DOCTOR) -> AppointmentPlace:
    date = MONDAY + dt.timedelta(days=day)
    start = dt.datetime(date.year, date.month, date.day, hour, tzinfo=dt.UTC)
    end = start + dt.timedelta(hours=1)
    return AppointmentPlace(start, DayKey(CLINIC, doctor, date), hour, UUID(int=hour), "UTC", None, start, end)


def numbers(day: int, capacity: int, zone: str = "UTC", doctor: UUID = DOCTOR) -> OpenPlaces:
    """Of a day without a record."""
    return open_numbers(DayKey(CLINIC, doctor, MONDAY + dt.timedelta(days=day)), zone, capacity, recorded=False)


def opened(*places: AppointmentPlace | OpenPlaces) -> list[OpenPlaces]:
    return [open_time(place) if isinstance(place, AppointmentPlace) else place for place in places]


def displaced(*places: AppointmentPlace) -> list[DisplacedAppointment]:
    return [DisplacedAppointment(UUID(int=100 + number), UUID(int=200 + number), place) for number, place in enumerate(places)]


def given(
    displaced: list[DisplacedAppointment], places: list[OpenPlaces], bound: PlaceBound = LATER
) -> list[AppointmentPlace | None]:
    return [one.new_place for one in assign_places(displaced, places, bound)]


def test_the_earlier_place_chooses_first() -> None:
    placements = assign_places(displaced(timed(10), timed(9)), opened(timed(13), timed(12)), LATER)
    assert [(one.displaced.place.number, one.new_place and one.new_place.number) for one in placements] == [(9, 12), (10, 13)]


def test_a_later_place_is_later_than_the_old_one() -> None:
    assert given(displaced(timed(10)), opened(timed(9), timed(10, doctor=OTHER))) == [None]
    assert given(displaced(timed(10)), opened(timed(9), timed(11))) == [timed(11)]


def test_what_is_too_early_for_one_is_not_kept_for_the_next() -> None:
    places = opened(timed(10), timed(11), timed(9, day=1))
    assert given(displaced(timed(9), timed(9, day=2)), places) == [timed(10), None]


def test_a_colleagues_place_is_not_before_the_date_of_the_old_one() -> None:
    """Earlier the same day it may be."""
    soon, before, same, after = (timed(hour, day, doctor=OTHER) for hour, day in ((8, 0), (16, 2), (8, 3), (8, 4)))
    places = opened(after, same, before, soon)
    assert given(displaced(timed(9, day=3), timed(10, day=3)), places, PlaceBound(later=False)) == [same, after]


def test_it_is_as_early_as_is_asked_for() -> None:
    asked = MONDAY + dt.timedelta(days=1)
    early, places = timed(8, day=1), opened(timed(9, day=4), timed(8, day=1), timed(7))
    for later in (True, False):
        assert given(displaced(timed(9, day=3)), places, PlaceBound(later, asked)) == [early]


def test_nothing_is_given_twice_and_the_rest_gets_nothing() -> None:
    placements = assign_places(displaced(timed(9), timed(10), timed(11)), opened(timed(9, day=1)), LATER)
    assert [one.new_place for one in placements] == [timed(9, day=1), None, None] and count_unplaced(placements) == 2


def test_the_numbers_of_a_day_are_given_in_turn() -> None:
    first, second = numbers(1, 2), numbers(2, 5)
    found = given(displaced(timed(9), timed(10), timed(11)), [second, first])
    assert found == [first.place(1), first.place(2), second.place(1)]
    late = displaced(timed(9), timed(9, day=1), timed(9, day=2))
    assert given(late, [second, first]) == [first.place(1), first.place(2), second.place(1)]


def test_a_number_counts_as_the_end_of_its_day() -> None:
    old, new = numbers(0, 1), numbers(1, 2)
    assert given(displaced(old.place(1)), [old, new]) == [new.place(1)]
    midnight = [*opened(timed(23), timed(0, day=1)), new]
    assert given(displaced(old.place(1)), midnight) == [new.place(1)], "midnight is not later than the end of the day"
    assert given(displaced(timed(9)), [new, *opened(timed(10, day=1))]) == [timed(10, day=1)], "times are before numbers"


def test_the_end_of_a_day_is_that_of_its_zone() -> None:
    assert numbers(0, 1, "Asia/Kathmandu").at == dt.datetime(2026, 3, 2, 18, 15, tzinfo=dt.UTC)


def test_a_number_of_a_recorded_day_becomes_one_of_its_free_slots_or_none() -> None:
    recorded, missing = numbers(1, 3)._replace(recorded=True), numbers(2, 1)
    placements = assign_places(displaced(timed(9), timed(10), timed(11), timed(12)), [recorded, missing], LATER)
    assert numbers_needed(placements, [recorded, missing]) == {recorded.day: 3}
    free = [Slot(UUID(int=number), number) for number in (4, 7)]
    found = [one.new_place for one in with_slots(placements, {recorded.day: free})]
    assert [place and (place.number, place.slot_id) for place in found] == [(4, UUID(int=4)), (7, UUID(int=7)), None, (1, None)]


def test_days_that_are_given_are_locked_with_some_behind_them() -> None:
    placements = assign_places(displaced(timed(9)), opened(timed(10, day=1)), LATER)
    places = opened(timed(9, day=-1), timed(10, day=1), timed(10, day=4), numbers(2, 1))
    assert {day.date.day for day in days_to_lock(placements, places)} == {3, 6}, "no day is made for a place that is only spare"
    assert days_to_lock([], places) == set()


def test_not_all_that_is_behind_is_locked() -> None:
    placements = assign_places(displaced(timed(9)), opened(timed(10)), LATER)
    assert len(days_to_lock(placements, opened(*(timed(9, day) for day in range(1, 30))))) == 11
    recorded = [numbers(day, 4)._replace(recorded=True) for day in range(1, 30)]
    assert len(days_to_lock(placements, recorded)) == 4, "three days have ten numbers more"


@pytest.mark.parametrize("seed", range(20))
def test_the_places_that_each_start_needs_are_enough_for_the_same_choice(seed: int) -> None:
    """Of all places that are open each appointment gets the same as of the first ones from each start on."""
    chance = random.Random(seed)
    times = [timed(hour, day) for day in range(8) for hour in range(24) if chance.random() < chance.choice([0.1, 0.9])]
    old = sorted(timed(chance.randrange(24), chance.randrange(6)) for _ in range(chance.randrange(1, 30)))
    for bound in (LATER, PlaceBound(later=False), PlaceBound(later=True, not_before=MONDAY + dt.timedelta(days=2))):
        starts = bound.starts(displaced(*old), timed(0).at - dt.timedelta(minutes=1))
        read = {
            place
            for start in starts
            for place in [one for one in times if one.day.date >= start.first and one.at > start.after][: start.needed]
        }
        assert given(displaced(*old), opened(*read), bound) == given(displaced(*old), opened(*times), bound)


def test_a_year_of_days_with_a_thousand_places_is_a_year_of_objects() -> None:
    """And of the places only as many as are given."""
    made = Counter[str]()

    class Counted(OpenPlaces):
        def place(self, rank: int) -> AppointmentPlace:
            made["places"] += 1
            return super().place(rank)

    places = [Counted(*numbers(day, 1000)) for day in range(1, 366)]
    placements: list[Placement] = assign_places(displaced(*[timed(9)] * 500), places, LATER)
    assert (made["places"], count_unplaced(placements)) == (500, 0)
    late = displaced(*[timed(9, day=300)] * 5)
    assert [one.new_place and one.new_place.number for one in assign_places(late, places, LATER)] == [1, 2, 3, 4, 5]
    assert made["places"] == 505, "none of the days that are too early"
