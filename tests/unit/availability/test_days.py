"""Days: which dates can be booked, what a day without a record reads as, and how far a day can be resized."""

import datetime as dt
from uuid import UUID

import pytest

from services.availability.domain.days import DayKey, DayRules, date_refusal, resize_refusal, unrecorded_day
from shared.contracts.availability import DayView, Mode
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code
from tests.unit.availability.commands import DOCTOR, NOW, TODAY


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
