"""What has to change so that a doctor's days and slots are what the calendar asks for.

Without I/O; called by `calendar/slot_generation.py`. What is taken and what has begun stays, whatever the calendar
says; everything that is free and to come follows it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count, groupby
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from services.availability.domain.calendar import DAY, Calendar, TimedSlot, Timeline, wanted_slots
from services.availability.domain.days import Day
from shared.contracts.availability import Mode

OLDEST_TODAY = timedelta(days=2)
"""No zone's today, and no slot that has not ended, has a date so long before that of UTC."""


Key = tuple[date, datetime, datetime, UUID | None]
"""What makes a slot the same one: its zone may get another name."""


class SlotRow(NamedTuple):
    """A slot as it is; `timed` is None for a number of a daily day."""

    id: UUID
    date: date
    number: int
    taken: bool
    published: bool
    timed: TimedSlot | None


@dataclass(frozen=True)
class Present:
    """What is there, read under the locks of the doctor and of all these days."""

    now: datetime
    days: Mapping[date, Day]
    slots: Sequence[SlotRow]

    def is_over(self, day: date) -> bool:
        """Whether a recorded date lies behind, in its own zone."""
        return day < today(self.days[day].time_zone, self.now)


@dataclass
class Plan:
    """The difference. Days that are gone have no slots left; those that are daily again get the clinic's default of them."""

    drop: list[UUID] = field(default_factory=list)
    mark: list[SlotRow] = field(default_factory=list)
    """Slots that stay, but with another publication or zone."""
    add: list[tuple[int, TimedSlot]] = field(default_factory=list)
    """New slots with their numbers."""
    days: dict[date, Day] = field(default_factory=dict)
    gone: list[date] = field(default_factory=list)
    daily: list[date] = field(default_factory=list)
    again: bool = False
    """Whether there will be more to do as time goes by."""


def today(zone: str, now: datetime) -> date:
    """The date where this zone's clocks hang."""
    return now.astimezone(ZoneInfo(zone)).date()


def oldest_date(now: datetime) -> date:
    """From where on days may hold something that is still to come."""
    return now.date() - OLDEST_TODAY


def due_slots(calendar: Calendar, now: datetime, horizon_days: int) -> list[TimedSlot]:
    """What the calendar asks for from now on: up to so many days behind the slot's own today."""
    slots = wanted_slots(calendar, oldest_date(now), now.date() + (horizon_days + 1) * DAY)
    last = {zone: today(zone, now) + horizon_days * DAY for zone in {slot.time_zone for slot in slots}}
    return [slot for slot in slots if slot.starts_at > now and slot.date <= last[slot.time_zone]]


def plan(calendar: Calendar, present: Present, horizon_days: int) -> Plan:
    """What to change so that what is free and to come is what the calendar asks for."""
    busy = {row.date for row in present.slots if row.taken and row.timed is None}
    daily = {day for day, record in present.days.items() if record.mode is Mode.DAILY}
    fixed = {day for day in daily if day in busy or present.is_over(day)}
    wanted = {slot[:4]: slot for slot in due_slots(calendar, present.now, horizon_days) if slot.date not in fixed}
    ruled = {day for day in present.days if calendar.rules(day) and day not in fixed}
    kept = [after for row in present.slots if (after := _after(row, present.now, wanted, ruled)) is not None]
    left, before = {row.id for row in kept}, set(present.slots)
    changes = Plan(
        drop=[row.id for row in present.slots if row.id not in left],
        mark=[row for row in kept if row not in before],
        add=_numbered(kept, _missing(kept, wanted)),
    )
    timed = [row.timed for row in kept if row.timed]
    _lay_out(changes, present, ruled, timed)
    to_come = any(extra.date >= oldest_date(present.now) for extra in calendar.extra)
    changes.again = calendar.scheduled or to_come or bool(timed)
    return changes


def _after(row: SlotRow, now: datetime, wanted: Mapping[Key, TimedSlot], ruled: Collection[date]) -> SlotRow | None:
    """How a slot is afterwards, or None if it goes."""
    if row.timed is None:
        return None if row.date in ruled else row
    if row.timed.starts_at <= now:
        return row
    match = wanted.get(row.timed[:4])
    if match is None:
        return row._replace(published=False) if row.taken else None
    return row._replace(published=True, timed=match)


def _missing(kept: Sequence[SlotRow], wanted: Mapping[Key, TimedSlot]) -> list[TimedSlot]:
    """The wanted slots that are not there and have room beside what stays."""
    there = [row.timed for row in kept if row.timed]
    timeline, known = Timeline((slot.starts_at, slot.ends_at) for slot in there), {slot[:4] for slot in there}
    return [slot for key, slot in wanted.items() if key not in known and timeline.add(slot.starts_at, slot.ends_at)]


def _numbered(kept: Sequence[SlotRow], missing: Sequence[TimedSlot]) -> list[tuple[int, TimedSlot]]:
    """New slots with numbers that nobody has, in order of start as far as the numbers that are there allow."""
    there = {row.timed: row.number for row in kept if row.timed}
    added = []
    for _, line in groupby(sorted([*there, *missing]), key=lambda slot: slot.date):
        slots = list(line)
        used, last = {there[slot] for slot in slots if slot in there}, 0
        for slot in slots:
            if slot in there:
                last = max(last, there[slot])
            else:
                last = next(number for number in count(last + 1) if number not in used)
                used.add(last)
                added.append((last, slot))
    return added


def _lay_out(changes: Plan, present: Present, ruled: Collection[date], kept: Sequence[TimedSlot]) -> None:
    """Notes the days that are to be made, changed and removed. The zone of a timed day is that of its last slot."""
    slots = sorted([*kept, *(slot for _, slot in changes.add)], key=lambda slot: slot.starts_at)
    zones = {slot.date: slot.time_zone for slot in slots}
    over = {day for day in present.days if present.is_over(day)}
    for day in sorted((present.days.keys() | zones.keys()) - over):
        record = present.days.get(day)
        after = _day_after(record, zones.get(day), ruled=day in ruled)
        if after is None:
            changes.gone.append(day)
        elif after != record:
            changes.days[day] = after
            if after.mode is Mode.DAILY:
                changes.daily.append(day)


def _day_after(record: Day | None, zone: str | None, *, ruled: bool) -> Day | None:
    """The record of a day whose slots have times in this zone, or that has no such slots; None if it has no record any more.

    A day that was closed by hand stays closed, whoever rules it.
    """
    if zone is not None:
        return Day(Mode.TIMED, record is None or record.available, zone)
    if record is None or (record.mode is Mode.DAILY and not ruled):
        return record
    return None if record.available else replace(record, mode=Mode.TIMED if ruled else Mode.DAILY)
