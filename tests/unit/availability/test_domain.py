"""The rules of days and slots: which refusal wins, who gets which place."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.availability.domain.days import (
    Day,
    DayKey,
    DayRules,
    FreeSlot,
    World,
    date_refusal,
    days_to_make,
    judge,
    open_from,
    places_wanted,
    resize_refusal,
    share_out,
    unrecorded_day,
)
from shared.contracts.availability import DayView, Mode
from shared.contracts.booking import BookAppointment
from shared.contracts.problems import Code
from shared.contracts.registry import ClinicSettings

NOW = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
TODAY = NOW.date()
CLINIC, DOCTOR = UUID(int=1), UUID(int=2)
OPEN = Day(Mode.DAILY, available=True, time_zone="UTC")


def booking(date: dt.date = TODAY, **fields: Any) -> BookAppointment:
    values = {
        "message_id": uuid4(), "clinic_id": CLINIC, "correlation_id": "1", "command_id": uuid4(), "actor": "open",
        "principal": "open", "body_hash": "00", "occurred_at": NOW, "accepted_at": NOW, "decide_by": NOW,
        "doctor_id": DOCTOR, "date": date, "patient_id": uuid4(), **fields,
    }  # fmt: skip
    return BookAppointment(**values)


def world(day: Day | None = OPEN, date: dt.date = TODAY, **settings: Any) -> World:
    days = {} if day is None else {DayKey(CLINIC, DOCTOR, date): day}
    return World(NOW, {CLINIC: ClinicSettings(**settings)}, {(CLINIC, DOCTOR): False}, days)


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
    assert days_to_make(asked, replace(known, settings={CLINIC: ClinicSettings(default_daily_capacity=0)})) == {}


def test_places_of_a_timed_day_go_out_by_start_whatever_their_numbers() -> None:
    starts = [NOW + dt.timedelta(hours=hours) for hours in (3, 1, 2)]
    free = [FreeSlot(uuid4(), number, starts_at=start) for number, start in enumerate(starts, 1)]
    given = share_out([(booking(), None)] * 3, {DayKey(CLINIC, DOCTOR, TODAY): free})
    assert [slot.number for _, slot in given if isinstance(slot, FreeSlot)] == [2, 3, 1]


def test_a_clinic_that_was_not_heard_of_has_a_new_ones_settings() -> None:
    assert world().settings_of(uuid4()) == ClinicSettings()


@given(free=st.sets(st.integers(1, 30), max_size=20), refused=st.lists(st.booleans(), max_size=30))
def test_places_go_out_lowest_first_in_order_of_arrival(free: set[int], refused: list[bool]) -> None:
    judged = [(booking(), Code.PAST_DATE if one else None) for one in refused]
    day = DayKey(CLINIC, DOCTOR, TODAY)
    wanted = places_wanted(judged)
    assert wanted[day] == refused.count(False)
    picked = sorted(free)[: wanted[day]]
    decided = share_out(judged, {day: [FreeSlot(uuid4(), number) for number in reversed(picked)]})
    assert [command for command, _ in decided] == [command for command, _ in judged]
    outcomes = [outcome for (_, outcome), (_, code) in zip(decided, judged, strict=True) if code is None]
    numbers = [outcome.number for outcome in outcomes if isinstance(outcome, FreeSlot)]
    assert numbers == picked
    assert outcomes[len(picked) :] == [Code.FULL] * (len(outcomes) - len(picked)), "whoever comes first is served first"
    assert all(outcome is code for (_, outcome), (_, code) in zip(decided, judged, strict=True) if code)


def test_days_keep_their_places_apart() -> None:
    other = uuid4()
    days = {DayKey(CLINIC, doctor, TODAY): [FreeSlot(uuid4(), 1)] for doctor in (DOCTOR, other)}
    decided = share_out([(booking(), None), (booking(doctor_id=other), None), (booking(), None)], days)
    assert [getattr(outcome, "number", outcome) for _, outcome in decided] == [1, 1, Code.FULL]


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
