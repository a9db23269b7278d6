"""Slot generation on a real Postgres: in two processes, repeated, after changes of all kinds, beside bookings and releases."""

import asyncio
import datetime as dt
import random
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.availability.domain.calendar import Calendar
from services.availability.domain.dates import oldest_date
from services.availability.domain.slot_generation import slots_to_come
from services.availability.repository.calendar import exceptions, schedules
from services.availability.service.calendar.slot_generation import slot_generation_job
from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from shared.infra.unit import Units
from tests.integration.availability.availability import Availability, book, releases
from tests.support.batches import until_it_waits
from tests.support.dates import in_days

ADD_ENTRY = (
    "INSERT INTO schedule_entries (clinic_id, doctor_id, place, weekday, start_minute, end_minute, slot_minutes, location_id)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
SLOTS = "SELECT id, date, number, state, starts_at, published FROM slots WHERE doctor_id = $1 ORDER BY starts_at"


async def due(service: Availability, doctor: UUID) -> None:
    await service.execute("INSERT INTO publications VALUES ($1, $2, now()) ON CONFLICT (clinic_id, doctor_id) DO UPDATE"
                       " SET due_at = now()", service.clinic, doctor)  # fmt: skip


async def is_due(service: Availability, doctor: UUID) -> bool | None:
    rows = await service.rows("SELECT due_at <= now() FROM publications WHERE doctor_id = $1", doctor)
    return rows[0][0] if rows else None


async def scheduled(service: Availability, start: int = 540, end: int = 600, location: UUID | None = None) -> UUID:
    """A doctor whose schedule was written, and no slot of it generated yet."""
    doctor = await service.doctor()
    if location:
        await service.execute(
            "INSERT INTO locations VALUES ($1, $2, $3, 0, NULL, '\"x\"', NULL)", service.clinic, location, doctor
        )
    for weekday in range(1, 8):
        await service.execute(ADD_ENTRY, service.clinic, doctor, weekday, weekday, start, end, 15, location)
    await service.execute("UPDATE doctors SET scheduled = true WHERE id = $1", doctor)
    await due(service, doctor)
    return doctor


async def generate(service: Availability) -> None:
    await slot_generation_job(service.units).work()


async def test_the_job_makes_slots_once_and_comes_back(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    made = await service.rows(SLOTS, doctor)
    assert len(made) in range(240, 245) and await is_due(service, doctor) is False
    await due(service, doctor)
    await generate(service)
    assert await service.rows(SLOTS, doctor) == made and await is_due(service, doctor) is False


async def test_two_processes_at_once_make_the_same_slots_once(service: Availability) -> None:
    for _ in range(10):
        doctor = await scheduled(service)
        await asyncio.gather(*(generate(service) for _ in range(4)))
        rows = await service.rows(SLOTS, doctor)
        assert len({row[4] for row in rows}) == len(rows) in range(240, 245)


async def test_a_day_more_comes_with_each_day(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    whole = await service.rows(SLOTS, doctor)
    last = in_days(60)
    await service.execute("DELETE FROM slots WHERE doctor_id = $1 AND date = $2", doctor, last)
    await service.execute("DELETE FROM days WHERE doctor_id = $1 AND date = $2", doctor, last)
    await due(service, doctor)
    await generate(service)
    assert [row[1:] for row in await service.rows(SLOTS, doctor)] == [row[1:] for row in whole]


async def test_a_deleted_doctor_gets_none_and_the_others_do(service: Availability) -> None:
    gone, doctor = await scheduled(service), await scheduled(service)
    await service.execute("UPDATE doctors SET status = 'deleted' WHERE id = $1", gone)
    await generate(service)
    assert await service.rows(SLOTS, gone) == [] and await is_due(service, gone) is None
    assert await service.rows(SLOTS, doctor) != []


async def test_one_whom_it_fails_for_does_not_hold_up_the_others(service: Availability) -> None:
    broken, doctor = await scheduled(service, location=(place := uuid4())), await scheduled(service)
    await service.execute("UPDATE locations SET time_zone = 'Nowhere/Land' WHERE id = $1", place)
    await generate(service)
    assert await service.rows(SLOTS, broken) == [] and await is_due(service, broken) is False
    assert await service.rows(SLOTS, doctor) != []
    await service.execute("UPDATE locations SET time_zone = NULL WHERE id = $1", place)
    await due(service, broken)
    await generate(service)
    assert await service.rows(SLOTS, broken) != []


async def test_a_clinic_that_moves_takes_its_slots_along(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    await service.settings(1, time_zone="Asia/Kathmandu")
    assert await is_due(service, doctor) is True
    await generate(service)
    hours = await service.rows("SELECT DISTINCT starts_at::time FROM slots WHERE doctor_id = $1 AND published ORDER BY 1", doctor)
    assert [f"{row[0]:%H:%M}" for row in hours] == ["03:15", "03:30", "03:45", "04:00"]
    assert [row[4] for row in await service.rows(SLOTS, doctor) if not row[5]] == [held.starts_at]
    await service.settings(1, time_zone="UTC")
    assert await is_due(service, doctor) is False, "an old version asks for nothing"


async def test_a_zone_that_comes_while_a_round_is_at_work_is_not_lost(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    await due(service, doctor)
    async with service.database.batch({service.clinic}) as (connection, _):
        await connection.execute("SELECT FROM days WHERE doctor_id = $1 FOR UPDATE", doctor)
        round_ = asyncio.ensure_future(generate(service))
        await until_it_waits(service.database)
        await service.settings(time_zone="Asia/Kathmandu")
    await round_
    assert await is_due(service, doctor) is True


async def test_a_shorter_horizon_takes_slots_back(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    await service.settings(booking_horizon_days=5)
    await generate(service)
    dates = {row[1] for row in await service.rows(SLOTS, doctor)}
    assert max(dates) == in_days(5)


async def test_what_a_freed_slot_without_a_rule_held_up_comes_with_the_next_round(service: Availability) -> None:
    doctor = await scheduled(service)
    await generate(service)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    await service.execute("UPDATE schedule_entries SET start_minute = 545 WHERE doctor_id = $1", doctor)
    await due(service, doctor)
    await generate(service)
    assert held.starts_at is not None
    first = f"SELECT starts_at FROM slots WHERE doctor_id = $1 AND published AND date = '{in_days(1)}' ORDER BY starts_at LIMIT 1"
    assert (await service.rows(first, doctor))[0][0] == held.starts_at + dt.timedelta(minutes=20)
    await service.deliver(releases(held))
    assert await is_due(service, doctor) is True
    await generate(service)
    assert (await service.rows(first, doctor))[0][0] == held.starts_at + dt.timedelta(minutes=5)


async def test_a_round_of_generation_beside_bookings_and_releases_loses_nothing(service: Availability) -> None:
    """Locks go in one order: nobody waits for ever, and what was given is there."""
    doctor, other = await scheduled(service), Units(service.units.database, service.units._outbox, service.units._publisher)
    await generate(service)
    held: list[SlotReserved] = []

    async def come_and_go(day: dt.date) -> None:
        for _ in range(10):
            (one,) = (await service.deliver(book(service.clinic, doctor, day))).of(SlotReserved)
            if random.random() < 0.5:
                await service.deliver(releases(one))
            else:
                held.append(one)

    async def change() -> None:
        for minute in (545, 540, 550, 540):
            await service.execute(
                "UPDATE schedule_entries SET start_minute = $2, end_minute = 780 WHERE doctor_id = $1", doctor, minute
            )
            await due(service, doctor)
            await asyncio.gather(generate(service), slot_generation_job(other).work())

    await change()
    days = [in_days(n) for n in range(1, 4)]
    await asyncio.gather(change(), *(come_and_go(day) for day in days))
    taken = await service.rows("SELECT id, reservation_id FROM slots WHERE doctor_id = $1 AND state = 'taken'", doctor)
    assert {tuple(row) for row in taken} == {(one.slot_id, one.reservation_id) for one in held}


@dataclass
class Story:
    """Random steps of one doctor's life, each committed before the next."""

    service: Availability
    doctor: UUID
    chance: random.Random
    held: list[SlotReserved] = field(default_factory=list)

    async def entries(self) -> None:
        await self.service.execute("DELETE FROM schedule_entries WHERE doctor_id = $1", self.doctor)
        for place in range(self.chance.choice([0, 7, 7, 3])):
            start, length = self.chance.choice([540, 550, 600]), self.chance.choice([15, 20, 30])
            await self.service.execute(
                ADD_ENTRY, self.service.clinic, self.doctor, place, place % 7 + 1, start, start + 120, length, None
            )
        await self.service.execute(
            "UPDATE doctors SET scheduled = EXISTS (SELECT FROM schedule_entries WHERE doctor_id = $1) WHERE id = $1", self.doctor
        )

    async def exception(self) -> None:
        day = in_days(self.chance.randrange(4))
        columns = (day, 660, 780, 20) if self.chance.random() < 0.5 else (day, None, None, None)
        kind = "closed" if columns[1] is None else "extra"
        await self.service.execute(
            "INSERT INTO exceptions VALUES ($1, $2, $3, $4, $5, $5, $6, $7, NULL, $8, NULL, now())",
            *(self.service.clinic, uuid4(), self.doctor, kind, *columns),
        )

    async def unexception(self) -> None:
        await self.service.execute(
            "DELETE FROM exceptions WHERE id = (SELECT id FROM exceptions WHERE doctor_id = $1 ORDER BY id LIMIT 1)", self.doctor
        )

    async def booking(self) -> None:
        day = in_days(self.chance.randrange(4))
        self.held += (await self.service.deliver(book(self.service.clinic, self.doctor, day))).of(SlotReserved)

    async def release(self) -> None:
        if self.held:
            await self.service.deliver(releases(self.held.pop(self.chance.randrange(len(self.held)))))


@pytest.mark.parametrize("seed", range(8))
async def test_random_changes_end_in_what_the_calendar_says(service: Availability, seed: int) -> None:
    story = Story(service, await scheduled(service), random.Random(seed))
    steps = (story.entries, story.exception, story.unexception, story.booking, story.booking, story.booking, story.release)
    for _ in range(25):
        await story.chance.choice(steps)()
        await due(service, story.doctor)
        await generate(service)
    found = await generated(story)
    assert found.of_state("free") == found.with_room(), "all that is asked for and meets nothing taken"
    assert found.taken_ids == {one.slot_id for one in story.held}
    assert [row for row in found.timed if row["published"] != (hours(row) in found.asked_for)] == []
    refused = (await service.deliver(book(service.clinic, story.doctor, in_days(30)))).refusals
    assert refused in ([], [Code.DOCTOR_ABSENT])


Hours = tuple[dt.datetime, dt.datetime]


def hours(row: Any) -> Hours:
    """From when to when a slot is."""
    return row["starts_at"], row["ends_at"]


@dataclass(frozen=True)
class Generated:
    """The slots of a doctor that are to come, and what the calendar asks for on days that are not daily."""

    asked_for: set[Hours]
    timed: list[Any]
    taken_ids: set[UUID]

    def of_state(self, state: str) -> set[Hours]:
        return {hours(row) for row in self.timed if row["state"] == state}

    def with_room(self) -> set[Hours]:
        """What is asked for and overlaps nothing that is taken."""
        taken = self.of_state("taken")
        return {asked for asked in self.asked_for if all(end <= asked[0] or asked[1] <= start for start, end in taken)}


async def generated(story: Story) -> Generated:
    """What there is at the end of a story, and what the calendar asks for then."""
    service, doctor = story.service, story.doctor
    async with service.database.batch({service.clinic}) as (connection, now):
        weekly = await schedules.entries(connection, service.clinic, doctor)
        calendar = Calendar.of("UTC", weekly, await schedules.location_zones(connection, service.clinic, doctor))
        rules = await exceptions.rules_to_come(connection, service.clinic, doctor, oldest_date(now))
        rows = await connection.fetch("SELECT * FROM slots WHERE doctor_id = $1", doctor)
    daily = {row["date"] for row in rows if row["starts_at"] is None and row["state"] == "taken"}
    asked_for = slots_to_come(calendar.with_exceptions(rules), now, 60)
    return Generated(
        asked_for={(slot.starts_at, slot.ends_at) for slot in asked_for if slot.date not in daily},
        timed=[row for row in rows if row["starts_at"] and row["starts_at"] > now],
        taken_ids={row["id"] for row in rows if row["state"] == "taken"},
    )
