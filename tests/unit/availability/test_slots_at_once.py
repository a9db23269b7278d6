"""Of very many slots those of the nearest dates are added first, whole dates at a time, until all are there."""

import datetime as dt
from collections import Counter
from uuid import uuid4

import pytest

from services.availability.domain import slot_generation
from services.availability.domain.calendar import Calendar, Hours, Weekly
from services.availability.domain.days import Day
from services.availability.domain.slot_generation import CurrentSlots, SlotChanges, SlotRow, slot_changes, slots_to_come
from shared.contracts.availability import Mode

NOW = dt.datetime(2026, 3, 2, tzinfo=dt.UTC)
HORIZON = 30


def every_day(slot_minutes: int) -> Calendar:
    return Calendar("UTC", [Weekly(Hours(60, 1440, slot_minutes), weekday) for weekday in range(1, 8)])


def seen(days: dict[dt.date, Day], slots: list[SlotRow]) -> CurrentSlots:
    return CurrentSlots(NOW, days, set(), slots)


def written(changes: SlotChanges, before: CurrentSlots) -> CurrentSlots:
    gone = set(changes.remove)
    added = [SlotRow(uuid4(), number, False, True, slot) for number, slot in changes.add]
    return seen({**before.days, **changes.write_days}, [row for row in before.slots if row.id not in gone] + added)


def test_a_schedule_of_many_slots_is_there_after_some_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slot_generation, "SLOTS_AT_ONCE", 300)
    calendar, current, rounds = every_day(15), seen({}, []), 0
    wanted = slots_to_come(calendar, NOW, HORIZON)
    of_date = Counter(slot.date for slot in wanted)
    while (changes := slot_changes(calendar, current, HORIZON)).unfinished:
        rounds += 1
        assert 300 <= len(changes.add) < 300 + max(of_date.values()) and changes.again
        current = written(changes, current)
        there = Counter(row.timed.date for row in current.slots)
        assert there == {day: of_date[day] for day in sorted(of_date)[: len(there)]}, "the nearest dates, whole"
        assert current.days.keys() == of_date.keys() and {day.mode for day in current.days.values()} == {Mode.TIMED}
    assert rounds == len(wanted) // (4 * 92)
    current = written(changes, current)
    assert sorted(row.timed for row in current.slots) == wanted
    assert not slot_changes(calendar, current, HORIZON).add


def test_what_goes_goes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    before = written(slot_changes(every_day(15), seen({}, []), HORIZON), seen({}, []))
    monkeypatch.setattr(slot_generation, "SLOTS_AT_ONCE", 300)
    changes = slot_changes(every_day(20), before, HORIZON)
    assert changes.unfinished
    stay = {slot[:4] for slot in slots_to_come(every_day(20), NOW, HORIZON)}
    assert set(changes.remove) == {row.id for row in before.slots if row.timed[:4] not in stay}
