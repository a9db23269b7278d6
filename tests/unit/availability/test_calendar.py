"""Which slots a calendar asks for: exactly those of a slow, obvious model, also where clocks change or days are skipped."""

import datetime as dt
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, Weekly, calendar_slots
from services.availability.domain.slot_generation import slots_to_come
from tests.unit.availability.calendar_model import Offered, Rule, offered

LONDON, NEW_YORK, LORD_HOWE = "Europe/London", "America/New_York", "Australia/Lord_Howe"
KATHMANDU, APIA, KWAJALEIN = "Asia/Kathmandu", "Pacific/Apia", "Pacific/Kwajalein"
ZONES = (LONDON, NEW_YORK, LORD_HOWE, KATHMANDU, APIA, KWAJALEIN)
CHANGES = [
    (LONDON, dt.date(2026, 3, 29)), (LONDON, dt.date(2026, 10, 25)), (NEW_YORK, dt.date(2026, 3, 8)),
    (NEW_YORK, dt.date(2026, 11, 1)), (LORD_HOWE, dt.date(2026, 4, 5)), (LORD_HOWE, dt.date(2026, 10, 4)),
    (KATHMANDU, dt.date(1986, 1, 1)), (APIA, dt.date(2011, 12, 30)), (KWAJALEIN, dt.date(1993, 8, 21)),
    (LONDON, dt.date(2026, 6, 15)),
]  # fmt: skip
"""Where and when clocks change: by an hour, by half of one, once by a quarter, by a whole day; and a date without a change."""
PLACES = [UUID(int=n) for n in range(3)]
DAY = dt.timedelta(days=1)


@st.composite
def hours(draw: st.DrawFn) -> Hours:
    """Often around the hours at which clocks change, and at both ends of the day."""
    start = draw(st.sampled_from([0, 30, 60, 90, 105, 120, 150, 540, 1380]) | st.integers(0, 1438))
    end = draw(st.integers(start + 1, min(start + 300, 1440)) | st.just(1440))
    return Hours(start, end, draw(st.sampled_from([5, 15, 30, 60, 7, 90, 600])), draw(st.none() | st.sampled_from(PLACES)))


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, list[dt.date]]:
    """A calendar and some days around a change of clocks, most of it on the date of the change."""
    zone, change = draw(st.sampled_from(CHANGES))
    days = [change + n * DAY for n in range(-2, 3)]
    near = st.just(change) | st.sampled_from(days)
    weekly = st.builds(Weekly, hours(), near.map(dt.date.isoweekday), st.none() | near, st.none() | near)
    closed = st.builds(lambda one, other: Closed(min(one, other), max(one, other)), near, near)
    calendar = Calendar(
        zone=zone,
        weekly=draw(st.lists(weekly, max_size=6)),
        extra=draw(st.lists(st.builds(Extra, hours(), near), max_size=3)),
        closed=draw(st.just([]) | st.lists(closed, max_size=1)),
        zones={place: draw(st.just(zone) | st.sampled_from(ZONES)) for place in PLACES},
    )
    return calendar, days


def modelled(calendar: Calendar, days: list[dt.date]) -> list[Offered]:
    """What the model says of these days."""

    def rule(hours: Hours, **when: object) -> Rule:
        place = hours.location_id
        zone = calendar.zones[place] if place is not None else calendar.zone
        return Rule(hours.start_minute, hours.end_minute, hours.slot_minutes, zone, place, **when)  # type: ignore[arg-type]

    def valid(one: Weekly) -> dict[str, dt.date]:
        return {name: value for name in ("valid_from", "valid_to") if (value := getattr(one, name)) is not None}

    weekly = [rule(one.hours, weekday=one.weekday - 1, **valid(one)) for one in calendar.weekly]
    extra = [rule(one.hours, date=one.date) for one in calendar.extra]
    return offered(weekly, extra, [(one.first, one.last) for one in calendar.closed], days)


def row(one: Offered) -> tuple[object, ...]:
    return one.date, one.starts_at, one.ends_at, one.location, one.zone


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(calendars())
def test_the_slots_are_exactly_those_of_the_model(given: tuple[Calendar, list[dt.date]]) -> None:
    calendar, days = given
    assert [tuple(slot) for slot in calendar_slots(calendar, days[0], days[-1])] == [row(one) for one in modelled(calendar, days)]


@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(calendars(), st.integers(0, 5 * 1440), st.integers(0, 2))
def test_to_come_is_what_begins_later_and_is_not_behind_the_horizon(
    given: tuple[Calendar, list[dt.date]], minutes: int, horizon: int
) -> None:
    calendar, days = given
    now = dt.datetime.combine(days[0], dt.time(), dt.UTC) + minutes * dt.timedelta(minutes=1)
    around = [now.date() + n * DAY for n in range(-2, horizon + 2)]
    last = {zone: now.astimezone(ZoneInfo(zone)).date() + horizon * DAY for zone in ZONES}
    expected = [row(one) for one in modelled(calendar, around) if one.starts_at > now and one.date <= last[one.zone]]
    assert [tuple(slot) for slot in slots_to_come(calendar, now, horizon)] == expected


def starts(zone: str, day: dt.date, start: str, end: str, length: int = 30) -> list[str]:
    """The instants in UTC at which slots of these hours begin."""
    first, last = (int(text[:2]) * 60 + int(text[3:]) for text in (start, end))
    calendar = Calendar(zone, extra=[Extra(Hours(first, last, length), day)])
    return [f"{slot.starts_at:%d %H:%M}" for slot in calendar_slots(calendar, day, day)]


@pytest.mark.parametrize(
    ("zone", "day", "hours", "expected"),
    [
        # Spring forward at 01:00Z: 01:00-02:00 is not on the clock. 00:30-01:00 would end at a time that is not there.
        (LONDON, dt.date(2026, 3, 29), ("00:00", "03:00"), ["29 00:00", "29 01:00", "29 01:30"]),
        # Back at 01:00Z: 01:00-02:00 is there twice, and offered the first time; 01:30-02:00 would last an hour and a half.
        (LONDON, dt.date(2026, 10, 25), ("00:30", "03:00"), ["24 23:30", "25 00:00", "25 02:00", "25 02:30"]),
        (NEW_YORK, dt.date(2026, 3, 8), ("01:00", "04:00"), ["08 06:00", "08 07:00", "08 07:30"]),
        (NEW_YORK, dt.date(2026, 11, 1), ("00:30", "02:30"), ["01 04:30", "01 05:00", "01 07:00"]),
        # Half an hour: 02:00 becomes 02:30 in October, 02:00 becomes 01:30 in April.
        (LORD_HOWE, dt.date(2026, 10, 4), ("01:30", "03:30"), ["03 15:30", "03 16:00"]),
        (LORD_HOWE, dt.date(2026, 4, 5), ("01:00", "03:00"), ["04 14:00", "04 15:30", "04 16:00"]),
        # Offsets of a quarter of an hour are nothing special, their beginning in 1986 is: 00:00-00:15 was skipped.
        (KATHMANDU, dt.date(2026, 6, 15), ("09:00", "10:00"), ["15 03:15", "15 03:45"]),
        (KATHMANDU, dt.date(1986, 1, 1), ("00:00", "01:30"), ["31 18:45", "31 19:15"]),
        # A whole date that was on no clock; the day before ends at a midnight that was not.
        (APIA, dt.date(2011, 12, 30), ("00:00", "24:00"), []),
        (APIA, dt.date(2011, 12, 29), ("23:00", "24:00"), ["30 09:00"]),
        (APIA, dt.date(2011, 12, 31), ("00:00", "01:00"), ["30 10:00", "30 10:30"]),
        (KWAJALEIN, dt.date(1993, 8, 21), ("00:00", "24:00"), []),
        (KWAJALEIN, dt.date(1993, 8, 22), ("09:00", "10:00"), ["21 21:00", "21 21:30"]),
    ],
)
def test_where_clocks_change(zone: str, day: dt.date, hours: tuple[str, str], expected: list[str]) -> None:
    assert starts(zone, day, *hours) == expected
