"""The rules of days and slots: which refusal wins, which days come into being."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.availability.domain.days import (
    Day,
    DayKey,
    DayRules,
    Holding,
    Place,
    Slot,
    World,
    date_refusal,
    days_to_make,
    judge,
    open_from,
    resize_refusal,
    unrecorded_day,
)
from shared.contracts.availability import DayView, Mode
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code
from tests.unit.availability.asked import CLINIC, DOCTOR, NOW, OPEN, TODAY, booking, move, world


def test_a_booking_of_an_open_day_is_not_refused() -> None:
    assert judge(booking(), world()) is None


def test_the_deadline_itself_is_in_time() -> None:
    assert judge(booking(decide_by=NOW), world()) is None
    assert judge(booking(decide_by=NOW - dt.timedelta(microseconds=1)), world()) is Code.TOO_LATE


def test_the_first_reason_of_all_wins() -> None:
    """Each step mends what won before, and the next reason appears."""
    past = TODAY - dt.timedelta(days=1)
    closed = replace(OPEN, available=False)
    late = NOW - dt.timedelta(seconds=1)
    assert judge(booking(past, doctor_id=uuid4(), decide_by=late), world(closed, past)) is Code.TOO_LATE
    assert judge(booking(past, doctor_id=uuid4()), world(closed, past)) is Code.UNKNOWN_DOCTOR
    assert judge(booking(past), world(closed, past)) is Code.PAST_DATE
    far = TODAY + dt.timedelta(days=2)
    assert judge(booking(far), world(closed, far, booking_horizon_days=1)) is Code.TOO_FAR
    assert judge(booking(), world(closed)) is Code.DOCTOR_ABSENT
    assert judge(booking(), world(None)) is Code.DOCTOR_ABSENT


def named(place: Place, **known: Any) -> World:
    """A world in which today has this slot."""
    return replace(world(**known), named={(DayKey(CLINIC, DOCTOR, TODAY), place.slot.id): place})


def test_a_named_slot_has_to_be_offered_before_anything_else_of_its_day_is_judged() -> None:
    """Each step mends what won before, and the next reason appears."""
    slot = Slot(uuid4(), 1)
    asked, closed = booking(slot_id=slot.id), replace(OPEN, available=False)
    assert judge(booking(slot_id=slot.id, doctor_id=uuid4()), world(closed)) is Code.UNKNOWN_DOCTOR
    assert judge(asked, world(closed)) is Code.NO_SUCH_SLOT
    assert judge(asked, named(Place(slot, published=False, holding=None), day=closed)) is Code.NO_SUCH_SLOT
    assert judge(asked, named(Place(slot, published=True, holding=None), day=closed)) is Code.DOCTOR_ABSENT
    assert judge(asked, named(Place(slot, published=True, holding=None))) is None
    tomorrow = asked.model_copy(update={"date": TODAY + dt.timedelta(days=1)})
    assert judge(tomorrow, named(Place(slot, published=True, holding=None))) is Code.NO_SUCH_SLOT, "it is of another day"


@pytest.mark.parametrize(("minutes", "refusal"), [(0, Code.NO_SUCH_SLOT), (20, Code.NO_SUCH_SLOT), (21, None)])
def test_a_named_slot_is_offered_until_the_lead_time(minutes: int, refusal: Code | None) -> None:
    place = Place(Slot(uuid4(), 1, starts_at=NOW + dt.timedelta(minutes=minutes)), published=True, holding=None)
    assert judge(booking(slot_id=place.slot.id), named(place, lead_time_minutes=20)) is refusal
    taken = place._replace(holding=Holding(place.slot.id, uuid4(), uuid4()))
    assert judge(booking(slot_id=place.slot.id), named(taken, lead_time_minutes=20)) is refusal, "taken is judged behind that"


def test_an_appointment_may_keep_a_place_that_is_offered_to_nobody() -> None:
    place = Place(Slot(uuid4(), 1, starts_at=NOW), published=False, holding=Holding(uuid4(), uuid4(), uuid4()))
    own = place.holding and place.holding.appointment_id
    assert judge(move(slot_id=place.slot.id, appointment_id=own), named(place)) is None
    assert judge(move(slot_id=place.slot.id), named(place)) is Code.NO_SUCH_SLOT


def test_a_date_without_hours_is_absent_up_to_the_horizon_of_the_schedule() -> None:
    scheduled = replace(world(None), scheduled={(CLINIC, DOCTOR): True})
    ahead = {days: judge(booking(TODAY + dt.timedelta(days=days)), scheduled) for days in (-1, 0, 60, 61)}
    assert ahead == {-1: Code.PAST_DATE, 0: Code.DOCTOR_ABSENT, 60: Code.DOCTOR_ABSENT, 61: Code.TOO_FAR}
    assert days_to_make([booking()], scheduled) == {}, "a schedule's days are made with their slots"
    far = TODAY + dt.timedelta(days=300)
    recorded = replace(scheduled, days={DayKey(CLINIC, DOCTOR, far): OPEN})
    assert judge(booking(far), recorded) is None, "a daily day that has something taken stays one"


def test_slots_of_timed_days_are_open_until_the_lead_time() -> None:
    timed, daily = DayKey(CLINIC, DOCTOR, TODAY), DayKey(CLINIC, uuid4(), TODAY)
    days = {timed: Day(Mode.TIMED, available=True, time_zone="UTC"), daily: OPEN}
    asked = replace(world(lead_time_minutes=90), days=days)
    assert open_from(asked, days) == {timed: NOW + dt.timedelta(minutes=90)}


def test_a_doctor_of_another_clinic_is_unknown() -> None:
    assert judge(booking(clinic_id=uuid4()), world()) is Code.UNKNOWN_DOCTOR


@pytest.mark.parametrize(
    ("zone", "days", "refusal"),
    [
        ("UTC", 0, None),
        ("UTC", -1, Code.PAST_DATE),
        ("Asia/Hong_Kong", 0, Code.PAST_DATE),
        ("Asia/Hong_Kong", 1, None),
        ("Asia/Hong_Kong", 31, None),
        ("UTC", 30, None),
        ("UTC", 31, Code.TOO_FAR),
        ("Pacific/Honolulu", 0, None),
        ("Pacific/Honolulu", 31, Code.TOO_FAR),
    ],
)
def test_dates_are_judged_in_the_zone_of_the_day(zone: str, days: int, refusal: Code | None) -> None:
    assert date_refusal(TODAY + dt.timedelta(days=days), zone, 30, NOW) is refusal


def test_the_zone_of_a_record_goes_before_the_clinics() -> None:
    assert judge(booking(), world(OPEN, time_zone="Asia/Hong_Kong")) is None
    assert judge(booking(), world(None, time_zone="Asia/Hong_Kong")) is Code.PAST_DATE


def test_days_come_into_being_only_for_what_can_be_booked() -> None:
    known = World(NOW, {CLINIC: ClinicSettings(time_zone="Europe/Paris")}, {(CLINIC, DOCTOR): False}, {})
    tomorrow = TODAY + dt.timedelta(days=1)
    asked = [
        booking(tomorrow), booking(tomorrow), booking(TODAY), booking(tomorrow, doctor_id=uuid4()),
        booking(tomorrow + dt.timedelta(days=1), decide_by=NOW - dt.timedelta(seconds=1)),
    ]  # fmt: skip
    assert days_to_make(asked, known) == {DayKey(CLINIC, DOCTOR, tomorrow): "Europe/Paris"}, "in Paris it is tomorrow"
    assert days_to_make([booking(tomorrow, slot_id=uuid4())], known) == {}, "who names a slot means one that is there"
    assert days_to_make(asked, replace(known, settings={CLINIC: ClinicSettings(default_daily_capacity=0)})) == {}


def test_a_clinic_that_was_not_heard_of_has_a_new_ones_settings() -> None:
    assert world().settings_of(uuid4()) == ClinicSettings()


@pytest.mark.parametrize(("default", "available"), [(10, True), (0, False)])
def test_a_day_without_a_record_reads_as_the_default(default: int, available: bool) -> None:
    view = unrecorded_day(DOCTOR, TODAY, ClinicSettings(default_daily_capacity=default), DayRules())
    assert (view.available, view.capacity, view.remaining, view.mode) == (available, default, default, Mode.DAILY)


@pytest.mark.parametrize(
    ("mode", "capacity", "refusal"),
    [
        (Mode.DAILY, None, None),
        (Mode.DAILY, 4, None),
        (Mode.DAILY, 3, Code.BELOW_TAKEN),
        (Mode.DAILY, 99, None),
        (Mode.TIMED, None, None),
        (Mode.TIMED, 4, Code.TIMED_DAY),
        (Mode.TIMED, 3, Code.TIMED_DAY),
    ],
)
def test_a_day_is_resized_down_to_what_is_taken(mode: Mode, capacity: int | None, refusal: Code | None) -> None:
    day = DayView(doctor_id=DOCTOR, date=TODAY, mode=mode, available=True, capacity=10, remaining=6)
    assert resize_refusal(day, capacity, DayRules()) is refusal


def test_days_are_locked_in_one_order() -> None:
    days = [DayKey(UUID(int=c), UUID(int=d), TODAY + dt.timedelta(days=n)) for c in (1, 2) for d in (1, 2) for n in (0, 1)]
    assert sorted(set(days)) == days
    assert days[0].lock_name == f"{UUID(int=1)}:{UUID(int=1)}:2026-03-02"
