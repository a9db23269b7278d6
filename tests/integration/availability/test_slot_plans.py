"""Slots are planned before the doctor is locked: bookings go on meanwhile, and what they change makes the plan be made again."""

import asyncio
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.availability.domain.schedules import schedule_errors
from services.availability.domain.slot_generation import SlotChanges, slot_changes
from services.availability.repository.calendar import slot_generation as repository
from services.availability.service.calendar import schedules, slot_generation
from services.availability.service.calendar.slot_generation import slot_generation_job
from shared.contracts.availability import SlotReserved
from tests.integration.availability.availability import Availability, book, every_day, releases
from tests.integration.availability.test_exceptions import closed, path, post, schedule
from tests.integration.availability.test_slot_generation import due, scheduled
from tests.support.dates import in_days
from tests.support.statements import rows_during

Change = Callable[[Availability, httpx2.AsyncClient, UUID], Awaitable[Any]]
PATIENCE_SECONDS = 30.0


@dataclass
class Stopped:
    """Work in threads that stands still once it has begun, and goes on when a test says so."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    goes_on: threading.Event = field(default_factory=threading.Event)
    times: int = 0

    def stop(self, work: Callable[..., Any]) -> Callable[..., Any]:
        loop = asyncio.get_running_loop()

        def stopped(*args: Any) -> Any:
            self.times += 1
            loop.call_soon_threadsafe(self.begun.set)
            assert self.goes_on.wait(PATIENCE_SECONDS)
            return work(*args)

        return stopped


@pytest.fixture
async def stopped() -> Any:
    one = Stopped()
    yield one
    one.goes_on.set()


@pytest.fixture
async def plans(stopped: Stopped, monkeypatch: pytest.MonkeyPatch) -> Stopped:
    """Every plan of slots stands still."""
    monkeypatch.setattr(slot_generation, "slot_changes", stopped.stop(slot_changes))
    return stopped


async def put_schedule(_: Availability, http: httpx2.AsyncClient, doctor: UUID) -> httpx2.Response:
    return await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": every_day("09:00", "11:00")})


async def close(_: Availability, http: httpx2.AsyncClient, doctor: UUID) -> Any:
    return await post(http, doctor, closed(in_days(5), in_days(6)))


async def generate(service: Availability, _: httpx2.AsyncClient, doctor: UUID) -> None:
    await due(service, doctor)
    await slot_generation_job(service.units).work()


async def set_zone(_: Availability, http: httpx2.AsyncClient, doctor: UUID) -> httpx2.Response:
    locations = [{"address": "1 High Street", "time_zone": "Asia/Kathmandu"}]
    return await http.patch(f"/internal/doctors/{doctor}", json={"locations": locations})


async def booked_meanwhile(service: Availability, doctor: UUID) -> SlotReserved:
    """A booking that is done while something else stands still."""
    (held,) = (await asyncio.wait_for(service.deliver(book(service.clinic, doctor)), 3)).of(SlotReserved)
    return held


@pytest.mark.parametrize("change", [put_schedule, close, generate, set_zone])
async def test_nobody_waits_for_a_plan(service: Availability, http: httpx2.AsyncClient, plans: Stopped, change: Change) -> None:
    doctor = await scheduled(service)
    plans.goes_on.set()
    await generate(service, http, doctor)
    plans.goes_on.clear()
    plans.begun.clear()
    changing = asyncio.ensure_future(change(service, http, doctor))
    await asyncio.wait_for(plans.begun.wait(), PATIENCE_SECONDS)
    held = await booked_meanwhile(service, doctor)
    plans.goes_on.set()
    answer = await changing
    assert answer is None or answer.is_success, answer.text
    found = await service.rows("SELECT state, reservation_id FROM slots WHERE id = $1", held.slot_id)
    assert found == [("taken", held.reservation_id)]


async def test_the_end_of_an_exception_is_planned_before_it_too(
    service: Availability, http: httpx2.AsyncClient, plans: Stopped
) -> None:
    plans.goes_on.set()
    doctor = await service.doctor()
    await schedule(http, doctor)
    made = (await close(service, http, doctor)).json()
    plans.goes_on.clear()
    plans.begun.clear()
    ending = asyncio.ensure_future(http.delete(path(doctor, made["id"])))
    await asyncio.wait_for(plans.begun.wait(), PATIENCE_SECONDS)
    await booked_meanwhile(service, doctor)
    plans.goes_on.set()
    assert (await ending).status_code == 204
    assert len(await service.rows("SELECT FROM slots WHERE doctor_id = $1 AND date = $2", doctor, in_days(5))) == 4


async def test_hours_are_judged_before_the_doctor_is_locked(
    service: Availability, http: httpx2.AsyncClient, stopped: Stopped, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(schedules, "schedule_errors", stopped.stop(schedule_errors))
    doctor = await service.doctor()
    changing = asyncio.ensure_future(put_schedule(service, http, doctor))
    await asyncio.wait_for(stopped.begun.wait(), PATIENCE_SECONDS)
    await booked_meanwhile(service, doctor)
    stopped.goes_on.set()
    assert (await changing).status_code == 200 and stopped.times == 1


async def test_a_plan_that_nothing_meets_is_made_once(service: Availability, http: httpx2.AsyncClient, plans: Stopped) -> None:
    plans.goes_on.set()
    doctor = await service.doctor()
    await slot_generation_job(service.units).work()  # also for doctors that other tests have left
    for change in (put_schedule, close, set_zone, generate):
        before = plans.times
        await change(service, http, doctor)
        assert plans.times == before + 1, change.__name__


async def test_what_was_booked_meanwhile_is_kept_and_named(
    service: Availability, http: httpx2.AsyncClient, plans: Stopped
) -> None:
    """The new hours have no such slot: the plan of before would remove it."""
    plans.goes_on.set()
    doctor = await service.doctor()
    await schedule(http, doctor)
    plans.goes_on.clear()
    plans.begun.clear()
    entries = every_day("14:00", "15:00")
    changing = asyncio.ensure_future(http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": entries}))
    await asyncio.wait_for(plans.begun.wait(), PATIENCE_SECONDS)
    held = await booked_meanwhile(service, doctor)
    plans.goes_on.set()
    answer = await changing
    assert (answer.status_code, answer.json()["displaced_ids"]) == (200, [str(held.appointment_id)])
    kept = await service.rows("SELECT published FROM slots WHERE id = $1", held.slot_id)
    assert kept == [(False,)]


async def test_another_calendar_meanwhile_makes_another_plan(
    service: Availability, http: httpx2.AsyncClient, plans: Stopped
) -> None:
    plans.goes_on.set()
    doctor = await service.doctor()
    await schedule(http, doctor)
    plans.goes_on.clear()
    plans.begun.clear()
    closing = asyncio.ensure_future(post(http, doctor, closed(in_days(5), in_days(6)), key=uuid4()))
    await asyncio.wait_for(plans.begun.wait(), PATIENCE_SECONDS)
    await service.execute("UPDATE schedule_entries SET start_minute = 570 WHERE doctor_id = $1", doctor)
    plans.goes_on.set()
    assert (await closing).status_code == 201
    starts = "SELECT DISTINCT extract(hour FROM starts_at) * 60 + extract(minute FROM starts_at) FROM slots WHERE doctor_id = $1"
    assert {int(row[0]) for row in await service.rows(f"{starts} AND date >= $2", doctor, in_days(1))} == {570, 585}
    assert await service.rows("SELECT FROM slots WHERE doctor_id = $1 AND date = $2", doctor, in_days(5)) == []


async def test_the_numbers_of_daily_days_are_not_read(
    service: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    """20 days of 500 places, one of them taken: a closing reads days, and none of the 10,000 numbers."""
    await service.settings(default_daily_capacity=500)
    doctor = await service.doctor()
    await service.deliver(*(book(service.clinic, doctor, in_days(day)) for day in range(1, 21)))
    assert (await service.rows("SELECT count(*) FROM slots WHERE doctor_id = $1", doctor)) == [(10_000,)]
    server = await superuser("availability")
    assert await rows_during(server, "availability_app", close(service, http, doctor)) < 500
    assert (await post(http, doctor, {"kind": "extra", "date": str(in_days(30)), "start": "09:00", "end": "10:00"})).is_success
    assert len(await service.rows("SELECT FROM slots WHERE doctor_id = $1 AND starts_at IS NOT NULL", doctor)) == 4


async def test_extra_hours_take_the_place_of_free_numbers(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    await http.post(f"/internal/doctors/{doctor}/availability", json={"date": str(in_days(2)), "capacity": 7})
    for day in (1, 2):
        extra = {"kind": "extra", "date": str(in_days(day)), "start": "09:00", "end": "10:00", "slot_minutes": 30}
        assert (await post(http, doctor, extra)).status_code == 201
    counts = "SELECT date, count(*), count(starts_at) FROM slots WHERE doctor_id = $1 GROUP BY date ORDER BY date"
    assert await service.rows(counts, doctor) == [(held.date, 10, 0), (in_days(2), 2, 2)], "a day with a booking stays as it is"


async def test_a_plan_that_would_remove_what_is_taken_is_not_written(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    with pytest.raises(RuntimeError, match="slot_taken_without_lock"):
        async with service.database.batch({service.clinic}) as (connection, _):
            await repository.write(connection, service.clinic, doctor, SlotChanges(remove=[held.slot_id]))
    assert await service.rows("SELECT state FROM slots WHERE id = $1", held.slot_id) == [("taken",)]


async def test_what_is_seen_and_its_fingerprint_are_of_one_moment(service: Availability, http: httpx2.AsyncClient) -> None:
    """A place that is freed and taken again is as it was; a plan made of what was there in between would remove it."""
    doctor = await service.doctor()
    await schedule(http, doctor)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)

    async def freed_and_taken_again() -> None:
        await service.deliver(releases(held))
        await service.deliver(book(service.clinic, doctor, slot_id=held.slot_id))

    async with service.database.batch({service.clinic}) as (connection, now):
        state, slots = await repository.seen_slots(connection, service.clinic, doctor, now)
        await freed_and_taken_again()
        assert await repository.locked_state(connection, service.clinic, doctor, now) == state
    assert [slot.id for slot in slots if slot.taken] == [held.slot_id]
