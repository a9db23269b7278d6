"""Days: which dates can be booked, what a day without a record reads as, and how far a day can be resized."""

import datetime as dt
from dataclasses import replace
from uuid import UUID

import pytest

from services.availability.domain.days import (
    Day,
    DayKey,
    DayRules,
    DaySlots,
    date_refusal,
    day_view,
    resize_refusal,
    unrecorded_day,
)
from shared.contracts.availability import Mode
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code
from tests.unit.availability.commands import DOCTOR, NOW, OPEN, TODAY


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


KEY = DayKey(UUID(int=1), DOCTOR, TODAY)


def view(day: Day, slots: DaySlots, *, closed: bool = False, refused: Code | None = None) -> tuple[bool, int, int]:
    shown = day_view(KEY, day, slots, closed=closed, refused=refused)
    return shown.available, shown.capacity, shown.remaining


@pytest.mark.parametrize(("default", "available"), [(10, True), (0, False)])
def test_a_day_without_a_record_reads_as_the_default(default: int, available: bool) -> None:
    day, slots = unrecorded_day(ClinicSettings(default_daily_capacity=default), DayRules())
    assert (view(day, slots), day.mode) == ((available, default, default), Mode.DAILY)


def test_a_day_without_a_record_is_that_of_the_only_location() -> None:
    rules = DayRules(location_zones=["Asia/Tokyo"])
    assert unrecorded_day(ClinicSettings(), rules)[0].time_zone == "Asia/Tokyo"
    assert unrecorded_day(ClinicSettings(time_zone="Asia/Dubai"), DayRules(timed=True))[0].time_zone == "Asia/Dubai"


def test_nothing_remains_where_every_booking_is_refused() -> None:
    slots = DaySlots(capacity=10, taken=7, published=10, bookable=3)
    assert view(OPEN, slots) == (True, 10, 3)
    assert view(OPEN, slots, closed=True) == (False, 10, 0)
    assert view(OPEN, slots, refused=Code.PAST_DATE) == (False, 10, 0)
    assert view(replace(OPEN, available=False), slots) == (False, 10, 0)
    assert view(replace(OPEN, mode=Mode.TIMED), DaySlots(capacity=1, taken=1)) == (False, 1, 0), "a slot that has lost its hours"
    assert view(OPEN, DaySlots(capacity=2, taken=1, published=2)) == (True, 2, 0), "what has begun remains for nobody"


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
    assert resize_refusal(mode, 4, capacity, DayRules()) is refusal


def test_days_are_locked_in_one_order() -> None:
    days = [DayKey(UUID(int=c), UUID(int=d), TODAY + dt.timedelta(days=n)) for c in (1, 2) for d in (1, 2) for n in (0, 1)]
    assert sorted(set(days)) == days
    assert days[0].lock_name == f"{UUID(int=1)}:{UUID(int=1)}:2026-03-02"
