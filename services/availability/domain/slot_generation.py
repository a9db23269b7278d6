"""What has to change so that a doctor's days and slots are what the calendar asks for.

Without I/O; called by `calendar/slot_generation.py`. What is taken and what has begun stays, whatever the calendar
says; everything that is free and to come follows it.
"""

from collections.abc import Collection, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import count, groupby
from typing import NamedTuple
from uuid import UUID

from services.availability.domain.calendar import Calendar, TimedSlot, Timeline, calendar_slots
from services.availability.domain.dates import DAY, oldest_date, today
from services.availability.domain.days import Day
from shared.contracts.availability import Mode

SLOTS_AT_ONCE = 10_000
"""About so many slots are added at once, which takes a second or two: two months of slots of a minute would take ten."""

SlotIdentity = tuple[date, datetime, datetime, UUID | None]
"""What makes a slot the same one, date, start, end and location: its zone may get another name."""


class SlotRow(NamedTuple):
    """A slot as it is, of those that have a time."""

    id: UUID
    number: int
    taken: bool
    published: bool
    timed: TimedSlot


@dataclass(frozen=True)
class CurrentSlots:
    """The days and slots of a doctor as they were seen. The numbers of daily days are not in it: a day may have thousands."""

    now: datetime
    days: Mapping[date, Day]
    busy: Set[date]
    """The daily days of which something is taken."""
    slots: Sequence[SlotRow]


@dataclass
class SlotChanges:
    """What is to be written. Days that are removed have no slots left."""

    remove: list[UUID] = field(default_factory=list)
    remove_numbers: list[date] = field(default_factory=list)
    """Daily days that lose all their numbers: none of these is taken."""
    update: list[SlotRow] = field(default_factory=list)
    """Slots that stay, but are published now, or no more, or have another zone."""
    add: list[tuple[int, TimedSlot]] = field(default_factory=list)
    """New slots with their numbers."""
    write_days: dict[date, Day] = field(default_factory=dict)
    remove_days: list[date] = field(default_factory=list)
    fill_days: list[date] = field(default_factory=list)
    """Days that are daily again: they get the clinic's default of slots."""
    again: bool = False
    """Whether there will be more to do as time goes by."""
    unfinished: bool = False
    """Whether slots of later dates are to be added at once behind these."""


def slots_to_come(calendar: Calendar, now: datetime, horizon_days: int) -> list[TimedSlot]:
    """What the calendar asks for from now on: up to so many days behind the slot's own today."""
    slots = calendar_slots(calendar, oldest_date(now), now.date() + (horizon_days + 1) * DAY)
    last = {zone: today(zone, now) + horizon_days * DAY for zone in {slot.time_zone for slot in slots}}
    return [slot for slot in slots if slot.starts_at > now and slot.date <= last[slot.time_zone]]


def slot_changes(calendar: Calendar, current: CurrentSlots, horizon_days: int) -> SlotChanges:
    """What to change so that what is free and to come is what the calendar asks for."""
    daily = {day for day, record in current.days.items() if record.mode is Mode.DAILY}
    # Dates that lie behind, each in its own zone.
    over = {day for day, record in current.days.items() if day < today(record.time_zone, current.now)}
    stay_daily = daily & (current.busy | over)
    wanted = {slot[:4]: slot for slot in slots_to_come(calendar, current.now, horizon_days) if slot.date not in stay_daily}
    timed = {day for day in current.days if calendar.is_timed(day) and day not in stay_daily}
    stays = [(row, after) for row in current.slots if (after := _after(row, current.now, wanted)) is not None]
    kept = [after for _, after in stays]
    kept_ids = {row.id for row in kept}
    changes = SlotChanges(
        remove=[row.id for row in current.slots if row.id not in kept_ids],
        remove_numbers=sorted(daily & timed),
        update=[after for row, after in stays if after != row],
        add=_numbered(kept, _missing(kept, wanted)),
    )
    kept_times = [row.timed for row in kept]
    # A daily day on which something is taken keeps the zone that booking knows.
    free_zones = dict.fromkeys(current.days.keys() - current.busy, calendar.zone)
    _change_days(changes, current.days, over, timed, kept_times, free_zones)
    extra_to_come = any(extra.date >= oldest_date(current.now) for extra in calendar.extra)
    changes.again = bool(calendar.weekly or extra_to_come or kept_times)
    _leave_later_dates(changes)
    return changes


def _after(row: SlotRow, now: datetime, wanted: Mapping[SlotIdentity, TimedSlot]) -> SlotRow | None:
    """How a slot is afterwards, or None if it goes."""
    if row.timed.starts_at <= now:
        return row
    match = wanted.get(row.timed[:4])
    if match is None:
        return row._replace(published=False) if row.taken else None
    return row._replace(published=True, timed=match)


def _missing(kept: Sequence[SlotRow], wanted: Mapping[SlotIdentity, TimedSlot]) -> list[TimedSlot]:
    """The wanted slots that are not there and have room beside what stays."""
    known = {row.timed[:4] for row in kept}
    lacking = [slot for key, slot in wanted.items() if key not in known]
    if not lacking:
        return []
    timeline = Timeline((row.timed.starts_at, row.timed.ends_at) for row in kept)
    return [slot for slot in lacking if timeline.add(slot.starts_at, slot.ends_at)]


def _numbered(kept: Sequence[SlotRow], missing: Sequence[TimedSlot]) -> list[tuple[int, TimedSlot]]:
    """New slots with numbers that nobody has, in order of start as far as the numbers that are there allow."""
    dates = {slot.date for slot in missing}
    there = {row.timed: row.number for row in kept if row.timed.date in dates}
    added = []
    for _, of_date in groupby(sorted([*there, *missing]), key=lambda slot: slot.date):
        slots = list(of_date)
        used, last = {there[slot] for slot in slots if slot in there}, 0
        for slot in slots:
            if slot in there:
                last = max(last, there[slot])
            else:
                last = next(number for number in count(last + 1) if number not in used)
                used.add(last)
                added.append((last, slot))
    return added


def _change_days(
    changes: SlotChanges,
    days: Mapping[date, Day],
    over: Set[date],
    timed_days: Collection[date],
    kept: Sequence[TimedSlot],
    free_zones: Mapping[date, str],
) -> None:
    """Notes the days that are to be made, changed and removed; those that are over stay.

    The zone of a timed day is that of its last slot, that of a daily one stands in `free_zones` if nothing of it is taken.
    """
    last: dict[date, TimedSlot] = {}
    for slot in (*kept, *(slot for _, slot in changes.add)):
        if slot.date not in last or last[slot.date].starts_at < slot.starts_at:
            last[slot.date] = slot
    zones = {day: slot.time_zone for day, slot in last.items()}
    for day in sorted((days.keys() | zones.keys()) - over):
        record = days.get(day)
        after = _day_after(record, zones.get(day), timed=day in timed_days)
        if after is None:
            changes.remove_days.append(day)
            continue
        if after.mode is Mode.DAILY:
            after = replace(after, time_zone=free_zones.get(day, after.time_zone))
        if after != record:
            changes.write_days[day] = after
        if record and (record.mode, after.mode) == (Mode.TIMED, Mode.DAILY):
            changes.fill_days.append(day)


def _day_after(record: Day | None, zone: str | None, *, timed: bool) -> Day | None:
    """The record of a day whose slots have times in this zone, or that has no such slots; None if it has no record any more.

    A day that was closed by hand stays closed, whatever the calendar asks for.
    """
    if zone is not None:
        return Day(Mode.TIMED, record is None or record.available, zone)
    if record is None or (record.mode is Mode.DAILY and not timed):
        return record
    return None if record.available else replace(record, mode=Mode.TIMED if timed else Mode.DAILY)


def _leave_later_dates(changes: SlotChanges) -> None:
    """Leaves the slots of later dates for the next time if there are too many; what goes and what is marked goes now."""
    if len(changes.add) > SLOTS_AT_ONCE:
        _, last = changes.add[SLOTS_AT_ONCE - 1]
        nearer = [(number, slot) for number, slot in changes.add if slot.date <= last.date]
        changes.add, changes.unfinished = nearer, len(nearer) < len(changes.add)
