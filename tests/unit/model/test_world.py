"""The model by hand: some sentences of the API, each as an example, and which worlds an answer leaves possible."""

import pytest

from tests.model.belief import Belief
from tests.model.world import Answer, Place, Target, World

NINE, TEN = 540, 600
DAILY, TIMED, OTHER = 0, 1, 2
ANY = Target(TIMED, 0)
BUSY, FULL, ABSENT = Answer(409, "patient_busy"), Answer(409, "full"), Answer(422, "doctor_absent")


@pytest.fixture
def world() -> World:
    """A doctor with two numbers a day, two with nine and ten o'clock; two dates, two patients."""
    return World.of([(), (NINE, TEN), (NINE, TEN)], dates=2, capacity=2, patients=2)


def booked(place: Place, status: str = "booked") -> Answer:
    return Answer(201, seen=(status, place))


def test_a_day_gives_its_lowest_number_and_a_timed_one_its_earliest_slot(world: World) -> None:
    first = world.book(0, Target(DAILY, 0), confirm=True)
    assert first == booked(Place(DAILY, 0, 1))
    assert world.book(0, Target(DAILY, 0), confirm=True) == booked(Place(DAILY, 0, 2))
    assert world.book(1, Target(DAILY, 0), confirm=True) == FULL
    world.cancel(0)
    assert world.book(1, Target(DAILY, 0), confirm=True) == first
    assert world.book(0, ANY, confirm=True) == booked(Place(TIMED, 0, NINE))


def test_nobody_is_in_two_places(world: World) -> None:
    world.book(0, Target(TIMED, 0, NINE), confirm=False)
    assert world.book(0, Target(OTHER, 0, NINE), confirm=True) == BUSY
    assert world.book(1, Target(OTHER, 0), confirm=True) == booked(Place(OTHER, 0, NINE))
    assert world.move(0, Target(OTHER, 0, TEN)).status == 200
    assert world.book(0, Target(TIMED, 0, NINE), confirm=True).status == 201
    assert world.book(0, Target(TIMED, 0, TEN), confirm=True) == BUSY


def test_of_a_day_it_is_the_first_place_at_which_there_is_time(world: World) -> None:
    world.book(0, Target(TIMED, 0, NINE), confirm=True)
    assert world.book(0, Target(OTHER, 0), confirm=True) == booked(Place(OTHER, 0, TEN))
    assert world.book(0, Target(OTHER, 0), confirm=True) == BUSY


def test_an_appointment_is_where_it_was_moved_and_a_refusal_moves_nothing(world: World) -> None:
    world.book(0, Target(TIMED, 0, NINE), confirm=True)
    world.book(1, Target(TIMED, 0, TEN), confirm=True)
    assert world.move(0, Target(TIMED, 0, TEN)) == Answer(409, "slot_taken")
    assert world.move(0, ANY) == Answer(200, seen=("booked", Place(TIMED, 0, NINE))), "it is on that day already"
    assert world.move(0, Target(DAILY, 1)) == Answer(200, seen=("booked", Place(DAILY, 1, 1)))
    assert world.appointments[0].events == ["booked", "moved"]
    assert world.read_open(TIMED, 0).seen == (NINE,)


def test_three_holds_are_the_most(world: World) -> None:
    places = [Target(TIMED, 0, NINE), Target(TIMED, 0, TEN), Target(TIMED, 1, NINE)]
    assert [world.book(0, place, confirm=False).status for place in places] == [201] * 3
    assert world.book(0, Target(TIMED, 1, TEN), confirm=False) == Answer(409, "too_many_holds")
    assert world.confirm(0).seen == ("booked", Place(TIMED, 0, NINE))
    assert world.book(0, Target(TIMED, 1, TEN), confirm=False).status == 201


def test_what_is_taken_stays_when_its_day_is_closed_or_its_hours_go(world: World) -> None:
    world.book(0, Target(TIMED, 0, NINE), confirm=True)
    assert world.set_hours(TIMED, (TEN,)) == Answer(200, seen=frozenset({0}))
    assert world.book(1, Target(TIMED, 0, NINE), confirm=True) == Answer(422, "no_such_slot")
    assert world.close(TIMED, 0).seen == frozenset({0})
    assert world.book(1, ANY, confirm=True) == ABSENT
    assert world.read_day(TIMED, 0).seen == (False, 1, 0)
    world.cancel(0)
    assert world.read_day(TIMED, 0).seen == (False, 0, 0)


def test_a_freed_number_above_the_capacity_becomes_the_lowest_missing(world: World) -> None:
    world.set_capacity(DAILY, 0, 3)
    for patient in (0, 1, 0):
        world.book(patient, Target(DAILY, 0), confirm=True)
    assert world.set_capacity(DAILY, 0, 2) == Answer(409, "below_taken")
    world.cancel(0)
    assert world.set_capacity(DAILY, 0, 2).seen == (True, 2, 0)
    world.cancel(2)
    assert world.book(1, Target(DAILY, 0), confirm=True) == booked(Place(DAILY, 0, 1))


def test_a_lapsed_hold_is_over_at_once_and_its_place_a_little_later(world: World) -> None:
    belief = Belief(world)
    wanted, place = Target(TIMED, 0, NINE), Place(TIMED, 0, NINE)
    belief.judge(lambda world: world.book(0, wanted, confirm=False), booked(place, "pending"))
    belief.happens(lambda world: world.lapse(0))
    belief.judge(lambda world: world.confirm(0), Answer(409, "expired"))
    belief.judge(lambda world: world.book(1, wanted, confirm=True), Answer(409, "slot_taken"))
    belief.judge(lambda world: world.book(1, wanted, confirm=True), booked(place))
    with pytest.raises(AssertionError, match="slot_taken"):
        belief.judge(lambda world: world.book(1, wanted, confirm=True), booked(place))


def test_once_all_is_settled_a_lapsed_place_must_be_back(world: World) -> None:
    belief = Belief(world)
    world.book(0, ANY, confirm=False)
    belief.happens(lambda world: world.lapse(0))
    belief.settle()
    with pytest.raises(AssertionError, match="to be expected was"):
        belief.judge(lambda world: world.read_open(TIMED, 0), Answer(200, seen=(TEN,)))
    assert world.owed == []
