"""What generation makes of days and slots: random calendars, bookings and releases end in what the rules say, and stay there."""

import datetime as dt
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import NamedTuple
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st

from services.availability.domain.calendar import Calendar, Closed, Extra, Hours, TimedSlot, Weekly
from services.availability.domain.days import Day
from services.availability.domain.slot_generation import CurrentSlots, SlotChanges, SlotRow, slot_changes, slots_to_come
from shared.contracts.availability import Mode

NOW = dt.datetime(2026, 3, 27, 9, 20, tzinfo=dt.UTC)
"""A Friday; on Sunday the clocks of London change."""
TODAY, DAY, HOUR = NOW.date(), dt.timedelta(days=1), dt.timedelta(hours=1)
HORIZON, CAPACITY = 4, 2
ELSEWHERE = UUID(int=1)
ZONES = ("Europe/London", "Pacific/Auckland", "Pacific/Honolulu")


class NumberRow(NamedTuple):
    """A number of a daily day, as a database would keep it."""

    id: UUID
    date: dt.date
    number: int
    taken: bool = False
    published: bool = True


Row = SlotRow | NumberRow


def date_of(row: Row) -> dt.date:
    return row.date if isinstance(row, NumberRow) else row.timed.date


@dataclass
class Clinic:
    """One doctor's days and slots, as a database would keep them."""

    now: dt.datetime = NOW
    calendar: Calendar = field(default_factory=lambda: Calendar(ZONES[0]))
    before: Calendar = field(default_factory=lambda: Calendar(ZONES[0]))
    days: dict[dt.date, Day] = field(default_factory=dict)
    slots: dict[UUID, Row] = field(default_factory=dict)

    def changes(self) -> SlotChanges:
        return slot_changes(self.calendar, CurrentSlots(self.now, self.days, self.busy, self.timed), HORIZON)

    @property
    def timed(self) -> list[SlotRow]:
        return [row for row in self.slots.values() if isinstance(row, SlotRow)]

    @property
    def busy(self) -> set[dt.date]:
        return {row.date for row in self.slots.values() if isinstance(row, NumberRow) and row.taken}

    def write(self, changes: SlotChanges) -> None:
        """Refuses what the tables would refuse."""
        for id_ in changes.remove:
            assert not self.slots.pop(id_).taken
        for row in [row for row in self.slots.values() if isinstance(row, NumberRow) and row.date in changes.remove_numbers]:
            assert not self.slots.pop(row.id).taken
        for day in changes.remove_days:
            assert all(date_of(row) != day for row in self.slots.values())
            del self.days[day]
        self.days |= changes.write_days
        self.slots |= {row.id: row for row in changes.update}
        for number, timed in changes.add:
            self.add(timed.date, number, timed)
        for day in changes.fill_days:
            self.fill(day)

    def add(self, day: dt.date, number: int, timed: TimedSlot | None) -> None:
        assert day in self.days and all((date_of(row), row.number) != (day, number) for row in self.slots.values())
        id_ = uuid4()
        row = SlotRow(id_, number, taken=False, published=True, timed=timed) if timed else NumberRow(id_, day, number)
        self.slots[row.id] = row

    def fill(self, day: dt.date) -> None:
        for number in range(1, CAPACITY + 1):
            self.add(day, number, None)

    def open_daily(self, day: dt.date) -> None:
        """As a booking makes a day."""
        closed = any(closed.first <= day <= closed.last for closed in self.calendar.closed)
        if day not in self.days and not self.calendar.is_timed(day) and not closed:
            self.days[day] = Day(Mode.DAILY, available=True, time_zone=ZONES[0])
            self.fill(day)

    def take(self, place: int) -> None:
        free = [row for row in self.slots.values() if not row.taken and row.published]
        if free:
            row = free[place % len(free)]
            self.slots[row.id] = row._replace(taken=True)

    def release(self, place: int) -> None:
        taken = [row for row in self.slots.values() if row.taken]
        if taken:
            row = taken[place % len(taken)]
            self.slots[row.id] = row._replace(taken=False)
            if not row.published:
                del self.slots[row.id]

    def close_by_hand(self, place: int) -> None:
        if self.days:
            day = sorted(self.days)[place % len(self.days)]
            self.days[day] = replace(self.days[day], available=not self.days[day].available)


days = st.integers(-1, HORIZON + 1).map(lambda n: TODAY + n * DAY)
hours = st.builds(
    lambda start, length, slot, place: Hours(start, min(start + length, 1440), slot, place),
    st.sampled_from([0, 540, 570, 600, 1380]), st.sampled_from([60, 90, 240]), st.sampled_from([20, 30, 60]),
    st.none() | st.just(ELSEWHERE),
)  # fmt: skip
calendars = st.builds(
    Calendar,
    zone=st.sampled_from(ZONES),
    weekly=st.lists(st.builds(Weekly, hours, st.integers(1, 7)), max_size=4)
    | hours.map(lambda one: [Weekly(one, weekday) for weekday in range(1, 8)]),
    extra=st.lists(st.builds(Extra, hours, days), max_size=2),
    closed=st.lists(st.builds(Closed, days, days), max_size=1),
    zones=st.fixed_dictionaries({ELSEWHERE: st.sampled_from(ZONES)}),
)
steps = st.one_of(
    st.tuples(st.just("calendar"), calendars),
    st.tuples(st.just("open_daily"), days),
    st.tuples(st.just("take"), st.integers(0, 1000)),
    *(st.tuples(st.just(name), st.integers(0, 1000)) for name in ("take", "release", "close_by_hand")),
    st.just(("back", None)),
    st.tuples(st.just("later"), st.sampled_from([HOUR / 3, HOUR, DAY])),
)


@settings(deadline=None, max_examples=400)
@given(st.lists(steps, max_size=20))
def test_random_changes_end_in_what_the_calendar_says(steps: list[tuple[str, object]]) -> None:
    clinic = Clinic()
    for name, value in steps:
        if name == "calendar":
            clinic.calendar, clinic.before = value, clinic.calendar  # type: ignore[assignment]
        elif name == "back":
            clinic.calendar, clinic.before = clinic.before, clinic.calendar
        elif name == "later":
            clinic.now += value  # type: ignore[operator]
        else:
            getattr(clinic, name)(value)
        before = {row.id for row in clinic.slots.values() if row.taken or has_begun(row, clinic.now)}
        clinic.write(clinic.changes())
        assert before <= clinic.slots.keys(), "what is taken or has begun stays"
        check(clinic)


def has_begun(row: Row, now: dt.datetime) -> bool:
    return isinstance(row, SlotRow) and row.timed.starts_at <= now


def check(clinic: Clinic) -> None:
    """The invariants, and what must be free, said without the code under test but for what the calendar asks for."""
    again = clinic.changes()
    assert not (again.remove or again.update or again.add or again.write_days or again.remove_days or again.fill_days)
    rows = sorted(clinic.timed, key=lambda row: row.timed.starts_at)
    spans = [(row.timed.starts_at, row.timed.ends_at) for row in rows]
    assert all(one[1] <= other[0] for one, other in pairwise(spans)), "no two overlap"
    assert not {row.date for row in clinic.slots.values() if isinstance(row, NumberRow)} & set(again.remove_numbers)
    busy = clinic.busy
    wanted = [slot for slot in slots_to_come(clinic.calendar, clinic.now, HORIZON) if not_daily(clinic, slot.date, busy)]
    stay = [row.timed for row in rows if row.taken or row.timed.starts_at <= clinic.now]
    expected = {slot for slot in wanted if all(one.ends_at <= slot.starts_at or slot.ends_at <= one.starts_at for one in stay)}
    assert {row.timed for row in rows if row.timed not in stay} == expected
    for row in rows:
        assert clinic.days[row.timed.date].mode is Mode.TIMED
        if row.taken and row.timed.starts_at > clinic.now:
            assert row.published is (row.timed[:4] in {slot[:4] for slot in wanted}), "published is what a rule asks for"
    for day, record in clinic.days.items():
        if clinic.calendar.is_timed(day) and not_daily(clinic, day, busy) and day > clinic.now.date():
            assert record.mode is Mode.TIMED, "nothing but times where the calendar asks for times"


def not_daily(clinic: Clinic, day: dt.date, busy: set[dt.date]) -> bool:
    """Whether a date is not kept daily by what is taken of it, or by being over in its zone."""
    record = clinic.days.get(day)
    if record is None or record.mode is Mode.TIMED:
        return True
    return day not in busy and day >= clinic.now.astimezone(ZoneInfo(record.time_zone)).date()


def test_a_daily_day_that_is_over_gets_no_times() -> None:
    """In Auckland the date has ended, in Honolulu it has hours to come."""
    day = TODAY
    clinic = Clinic(now=dt.datetime(2026, 3, 27, 22, tzinfo=dt.UTC), calendar=Calendar("Pacific/Honolulu"))
    clinic.days[day] = Day(Mode.DAILY, available=True, time_zone="Pacific/Auckland")
    clinic.fill(day)
    clinic.calendar = Calendar("Pacific/Honolulu", extra=[Extra(Hours(840, 900, 30), day)])
    assert clinic.changes().add == [] and clinic.changes().remove_numbers == []
    clinic.days[day] = Day(Mode.DAILY, available=True, time_zone="Pacific/Honolulu")
    assert len(clinic.changes().add) == 2 and clinic.changes().remove_numbers == [day]


def test_a_daily_day_is_that_of_the_doctors_zone_unless_somebody_is_booked_on_it() -> None:
    clinic = Clinic()
    for ahead in range(3):
        clinic.open_daily(TODAY + ahead * DAY)
    clinic.take(CAPACITY)
    taken = clinic.busy
    clinic.calendar = Calendar(ZONES[1])
    changes = clinic.changes()
    clinic.write(changes)
    assert taken == {TODAY + DAY} and changes.fill_days == []
    assert [clinic.days[TODAY + ahead * DAY].time_zone for ahead in range(3)] == [ZONES[1], ZONES[0], ZONES[1]]
