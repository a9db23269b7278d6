"""Publication on a real Postgres: in two processes, again and again, after changes of all kinds, beside bookings and releases."""

import asyncio
import datetime as dt
import random
from dataclasses import dataclass, field
from uuid import UUID, uuid4

import pytest

from services.availability.domain.slot_generation import due_slots, oldest_date
from services.availability.repository import calendar
from services.availability.service.calendar.slot_generation import publishing
from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from shared.infra.unit import Units
from tests.integration.availability.desk import Desk, book, releases, somebody_waits
from tests.support.dates import in_days

ADD_ENTRY = (
    "INSERT INTO schedule_entries (clinic_id, doctor_id, place, weekday, start_minute, end_minute, slot_minutes, location_id)"
    " VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
)
SLOTS = "SELECT id, date, number, state, starts_at, published FROM slots WHERE doctor_id = $1 ORDER BY starts_at"


async def due(desk: Desk, doctor: UUID) -> None:
    await desk.execute("INSERT INTO publications VALUES ($1, $2, now()) ON CONFLICT (clinic_id, doctor_id) DO UPDATE"
                       " SET due_at = now()", desk.clinic, doctor)  # fmt: skip


async def is_due(desk: Desk, doctor: UUID) -> bool | None:
    rows = await desk.rows("SELECT due_at <= now() FROM publications WHERE doctor_id = $1", doctor)
    return rows[0][0] if rows else None


async def scheduled(desk: Desk, start: int = 540, end: int = 600, location: UUID | None = None) -> UUID:
    """A doctor whose schedule was written, and nothing of it published yet."""
    doctor = await desk.doctor()
    if location:
        await desk.execute("INSERT INTO locations VALUES ($1, $2, $3, 0, NULL, '\"x\"', NULL)", desk.clinic, location, doctor)
    for weekday in range(1, 8):
        await desk.execute(ADD_ENTRY, desk.clinic, doctor, weekday, weekday, start, end, 15, location)
    await desk.execute("UPDATE doctors SET scheduled = true WHERE id = $1", doctor)
    await due(desk, doctor)
    return doctor


async def publish(desk: Desk) -> None:
    await publishing(desk.units).work()


async def test_the_job_makes_slots_once_and_comes_back(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    made = await desk.rows(SLOTS, doctor)
    assert len(made) in range(240, 245) and await is_due(desk, doctor) is False
    await due(desk, doctor)
    await publish(desk)
    assert await desk.rows(SLOTS, doctor) == made and await is_due(desk, doctor) is False


async def test_two_processes_at_once_make_the_same_slots_once(desk: Desk) -> None:
    for _ in range(10):
        doctor = await scheduled(desk)
        await asyncio.gather(*(publish(desk) for _ in range(4)))
        rows = await desk.rows(SLOTS, doctor)
        assert len({row[4] for row in rows}) == len(rows) in range(240, 245)


async def test_a_day_more_comes_with_each_day(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    whole = await desk.rows(SLOTS, doctor)
    last = in_days(60)
    await desk.execute("DELETE FROM slots WHERE doctor_id = $1 AND date = $2", doctor, last)
    await desk.execute("DELETE FROM days WHERE doctor_id = $1 AND date = $2", doctor, last)
    await due(desk, doctor)
    await publish(desk)
    assert [row[1:] for row in await desk.rows(SLOTS, doctor)] == [row[1:] for row in whole]


async def test_a_deleted_doctor_gets_none_and_the_others_do(desk: Desk) -> None:
    gone, doctor = await scheduled(desk), await scheduled(desk)
    await desk.execute("UPDATE doctors SET status = 'deleted' WHERE id = $1", gone)
    await publish(desk)
    assert await desk.rows(SLOTS, gone) == [] and await is_due(desk, gone) is None
    assert await desk.rows(SLOTS, doctor) != []


async def test_one_whom_it_fails_for_does_not_hold_up_the_others(desk: Desk) -> None:
    broken, doctor = await scheduled(desk, location=(place := uuid4())), await scheduled(desk)
    await desk.execute("UPDATE locations SET time_zone = 'Nowhere/Land' WHERE id = $1", place)
    await publish(desk)
    assert await desk.rows(SLOTS, broken) == [] and await is_due(desk, broken) is False
    assert await desk.rows(SLOTS, doctor) != []
    await desk.execute("UPDATE locations SET time_zone = NULL WHERE id = $1", place)
    await due(desk, broken)
    await publish(desk)
    assert await desk.rows(SLOTS, broken) != []


async def test_a_clinic_that_moves_takes_its_slots_along(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    (held,) = (await desk.deliver(book(desk.clinic, doctor))).of(SlotReserved)
    await desk.settings(1, time_zone="Asia/Kathmandu")
    assert await is_due(desk, doctor) is True
    await publish(desk)
    hours = await desk.rows("SELECT DISTINCT starts_at::time FROM slots WHERE doctor_id = $1 AND published ORDER BY 1", doctor)
    assert [f"{row[0]:%H:%M}" for row in hours] == ["03:15", "03:30", "03:45", "04:00"]
    assert [row[4] for row in await desk.rows(SLOTS, doctor) if not row[5]] == [held.starts_at]
    await desk.settings(1, time_zone="UTC")
    assert await is_due(desk, doctor) is False, "an old version asks for nothing"


async def test_a_zone_that_comes_while_a_round_is_at_work_is_not_lost(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    await due(desk, doctor)
    async with desk.database.batch({desk.clinic}) as (connection, _):
        await connection.execute("SELECT FROM days WHERE doctor_id = $1 FOR UPDATE", doctor)
        round_ = asyncio.ensure_future(publish(desk))
        await somebody_waits(desk)
        await desk.settings(time_zone="Asia/Kathmandu")
    await round_
    assert await is_due(desk, doctor) is True


async def test_a_shorter_horizon_takes_slots_back(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    await desk.settings(booking_horizon_days=5)
    await publish(desk)
    dates = {row[1] for row in await desk.rows(SLOTS, doctor)}
    assert max(dates) == in_days(5)


async def test_what_a_freed_slot_without_a_rule_held_up_comes_with_the_next_round(desk: Desk) -> None:
    doctor = await scheduled(desk)
    await publish(desk)
    (held,) = (await desk.deliver(book(desk.clinic, doctor))).of(SlotReserved)
    await desk.execute("UPDATE schedule_entries SET start_minute = 545 WHERE doctor_id = $1", doctor)
    await due(desk, doctor)
    await publish(desk)
    assert held.starts_at is not None
    first = f"SELECT starts_at FROM slots WHERE doctor_id = $1 AND published AND date = '{in_days(1)}' ORDER BY starts_at LIMIT 1"
    assert (await desk.rows(first, doctor))[0][0] == held.starts_at + dt.timedelta(minutes=20)
    await desk.deliver(releases(held))
    assert await is_due(desk, doctor) is True
    await publish(desk)
    assert (await desk.rows(first, doctor))[0][0] == held.starts_at + dt.timedelta(minutes=5)


async def test_a_round_of_publication_beside_bookings_and_releases_loses_nothing(desk: Desk) -> None:
    """Locks go in one order: nobody waits for ever, and what was given is there."""
    doctor, other = await scheduled(desk), Units(desk.units.database, desk.units._outbox, desk.units._publisher)
    await publish(desk)
    held: list[SlotReserved] = []

    async def come_and_go(day: dt.date) -> None:
        for _ in range(10):
            (one,) = (await desk.deliver(book(desk.clinic, doctor, day))).of(SlotReserved)
            if random.random() < 0.5:
                await desk.deliver(releases(one))
            else:
                held.append(one)

    async def change() -> None:
        for minute in (545, 540, 550, 540):
            await desk.execute(
                "UPDATE schedule_entries SET start_minute = $2, end_minute = 780 WHERE doctor_id = $1", doctor, minute
            )
            await due(desk, doctor)
            await asyncio.gather(publish(desk), publishing(other).work())

    await change()
    days = [in_days(n) for n in range(1, 4)]
    await asyncio.gather(change(), *(come_and_go(day) for day in days))
    taken = await desk.rows("SELECT id, reservation_id FROM slots WHERE doctor_id = $1 AND state = 'taken'", doctor)
    assert {tuple(row) for row in taken} == {(one.slot_id, one.reservation_id) for one in held}


@dataclass
class Story:
    """Random steps of one doctor's life, each committed before the next."""

    desk: Desk
    doctor: UUID
    chance: random.Random
    held: list[SlotReserved] = field(default_factory=list)

    async def entries(self) -> None:
        await self.desk.execute("DELETE FROM schedule_entries WHERE doctor_id = $1", self.doctor)
        for place in range(self.chance.choice([0, 7, 7, 3])):
            start, length = self.chance.choice([540, 550, 600]), self.chance.choice([15, 20, 30])
            await self.desk.execute(
                ADD_ENTRY, self.desk.clinic, self.doctor, place, place % 7 + 1, start, start + 120, length, None
            )
        await self.desk.execute(
            "UPDATE doctors SET scheduled = EXISTS (SELECT FROM schedule_entries WHERE doctor_id = $1) WHERE id = $1", self.doctor
        )

    async def exception(self) -> None:
        day = in_days(self.chance.randrange(4))
        columns = (day, 660, 780, 20) if self.chance.random() < 0.5 else (day, None, None, None)
        kind = "closed" if columns[1] is None else "extra"
        await self.desk.execute(
            "INSERT INTO exceptions VALUES ($1, $2, $3, $4, $5, $5, $6, $7, NULL, $8, NULL, now())",
            *(self.desk.clinic, uuid4(), self.doctor, kind, *columns),
        )

    async def unexception(self) -> None:
        await self.desk.execute(
            "DELETE FROM exceptions WHERE id = (SELECT id FROM exceptions WHERE doctor_id = $1 ORDER BY id LIMIT 1)", self.doctor
        )

    async def booking(self) -> None:
        day = in_days(self.chance.randrange(4))
        self.held += (await self.desk.deliver(book(self.desk.clinic, self.doctor, day))).of(SlotReserved)

    async def release(self) -> None:
        if self.held:
            await self.desk.deliver(releases(self.held.pop(self.chance.randrange(len(self.held)))))


@pytest.mark.parametrize("seed", range(8))
async def test_random_changes_end_in_what_the_calendar_says(desk: Desk, seed: int) -> None:
    story = Story(desk, await scheduled(desk), random.Random(seed))
    steps = (story.entries, story.exception, story.unexception, story.booking, story.booking, story.booking, story.release)
    for _ in range(25):
        await story.chance.choice(steps)()
        await due(desk, story.doctor)
        await publish(desk)
    await _check(story)


async def _check(story: Story) -> None:
    """Free and to come is what the calendar asks for, but where a day is daily or something taken is in the way."""
    desk, doctor = story.desk, story.doctor
    async with desk.database.batch({desk.clinic}) as (connection, now):
        rules = await calendar.read(connection, desk.clinic, doctor, "UTC", oldest_date(now))
        rows = await connection.fetch("SELECT * FROM slots WHERE doctor_id = $1", doctor)
    daily = {row["date"] for row in rows if row["starts_at"] is None and row["state"] == "taken"}
    timed = [row for row in rows if row["starts_at"] and row["starts_at"] > now]
    stay = [(row["starts_at"], row["ends_at"]) for row in timed if row["state"] == "taken"]
    wanted = [(slot.starts_at, slot.ends_at) for slot in due_slots(rules, now, 60) if slot.date not in daily]
    free = {slot for slot in wanted if all(end <= slot[0] or slot[1] <= start for start, end in stay)}
    assert {(row["starts_at"], row["ends_at"]) for row in timed if row["state"] == "free"} == free
    assert {row["id"] for row in rows if row["state"] == "taken"} == {one.slot_id for one in story.held}
    assert all(row["published"] == ((row["starts_at"], row["ends_at"]) in wanted) for row in timed)
    refused = (await desk.deliver(book(desk.clinic, doctor, in_days(30)))).codes
    assert refused in ([], [Code.DOCTOR_ABSENT])
