"""What collides in the calendar of a patient: times, days where the clinic allows one booking, and holds."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.booking.domain.patient_calendar import Collision, PatientCalendar, collisions
from shared.contracts.appointments import Status
from tests.unit.booking.builders import LATER, NOW, TODAY, TOMORROW, appointment, at

pytestmark = pytest.mark.unit


def test_a_patient_is_in_one_place_at_a_time() -> None:
    calendar = PatientCalendar([appointment(**at(1, 3))])
    assert calendar.collision(appointment(**at(2, 4)))
    assert not calendar.collision(appointment(**at(3, 4)))
    assert not calendar.collision(appointment())
    assert not calendar.collision(replace(appointment(**at(2, 4)), patient_id=uuid4()))
    assert not calendar.collision(replace(appointment(**at(2, 4)), clinic_id=uuid4()))


def test_one_booking_a_day_is_of_one_doctor_and_where_the_clinic_says_so() -> None:
    first = appointment()
    calendar = PatientCalendar([])
    assert not calendar.collision(replace(first, exclusive_day=True))
    calendar.enter(first)
    again = replace(first, id=uuid4())
    assert calendar.collision(replace(again, exclusive_day=True))
    assert not calendar.collision(again)
    assert not calendar.collision(replace(again, exclusive_day=True, doctor_id=uuid4()))
    assert not calendar.collision(replace(again, exclusive_day=True, date=TOMORROW))


def test_an_appointments_own_place_never_stands_in_its_way() -> None:
    one = appointment(**at(1, 3))
    calendar = PatientCalendar([one])
    assert not calendar.collision(replace(one, **at(2, 4)))
    assert not calendar.collision(replace(one, exclusive_day=True, slot_id=uuid4()))
    calendar.enter(replace(one, **at(5, 6)))
    assert not calendar.collision(appointment(**at(2, 4))), "it has left that place"
    assert calendar.collision(appointment(**at(5, 6)))


def test_a_fourth_hold_is_one_too_many_and_a_fourth_booking_is_not() -> None:
    held = [appointment(id=uuid4(), status=Status.PENDING, expires_at=LATER) for _ in range(3)]
    one_more = appointment(id=uuid4(), status=Status.PENDING, expires_at=LATER)
    assert not PatientCalendar([*held[:2], appointment(id=uuid4())]).has_too_many_holds(one_more)
    assert PatientCalendar(held).has_too_many_holds(one_more)
    assert not PatientCalendar(held).has_too_many_holds(appointment(id=uuid4()))
    assert not PatientCalendar(held).has_too_many_holds(replace(one_more, patient_id=uuid4()))


HOUR = dt.timedelta(hours=1)


ONE_DAY = {"doctor_id": uuid4(), "date": TODAY}


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {"starts_at": NOW + HOUR / 2, "ends_at": NOW + 2 * HOUR}, True),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {"starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR}, False),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {}, False),
        (ONE_DAY, ONE_DAY, False),
        (ONE_DAY | {"exclusive_day": True}, ONE_DAY, True),
        (ONE_DAY, ONE_DAY | {"exclusive_day": True}, True),
        (ONE_DAY | {"exclusive_day": True}, ONE_DAY | {"date": TOMORROW}, False),
    ],
)
def test_what_two_patients_have_and_one_cannot(one: dict[str, Any], other: dict[str, Any], clash: bool) -> None:
    moving, staying = appointment(**one), appointment(**other)
    found = collisions([moving, appointment()], [staying, appointment()])
    assert found == (sorted([moving, staying], key=lambda each: each.id) if clash else [])


def test_a_collision_names_what_is_in_the_way_and_the_day_goes_first() -> None:
    """No other time of the day helps where one a day is allowed."""
    one, wanted = appointment(**at(1, 2)), appointment(**at(1, 2))
    other = appointment(**at(3, 4), doctor_id=wanted.doctor_id)
    calendar = PatientCalendar([one, other])
    assert calendar.collision(wanted) == Collision(one)
    assert calendar.collision(replace(wanted, exclusive_day=True)) == Collision(other, same_day=True)
    assert calendar.busy_times(wanted) == [(one.starts_at, one.ends_at), (other.starts_at, other.ends_at)]
    assert calendar.busy_times(other) == [(one.starts_at, one.ends_at)], "its own time is free for its move"
