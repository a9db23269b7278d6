"""Displacing on a real Postgres beside bookings, and its cost: no place twice, none lost, one as cheap as many."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts.availability import SlotReserved
from shared.infra.outbox import Outbox
from shared.infra.unit import Units
from tests.integration.availability.availability import Availability, book, every_day, releases
from tests.integration.availability.test_displacement import booked, call, category, displaced, starts
from tests.integration.availability.test_exceptions import closed, post, schedule
from tests.integration.availability.test_races import blocked
from tests.integration.availability.test_removals import published
from tests.support.dates import in_days
from tests.support.statements import calls_during, rows_during

COPIED = {"days": "date, mode, available, time_zone", "slots": "date, number, starts_at, ends_at, time_zone"}


@pytest.fixture
def consumer(service: Availability) -> Availability:
    """Another process at the same database and the same broker."""
    other = Availability(service.database, service.clinic)
    other.units, other.publisher = Units(service.database, Outbox(service.publisher), service.publisher), service.publisher
    return other


async def test_the_statements_are_as_many_for_one_as_for_many(
    service: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    """Of both policies, with days that are made and days that are there. The first run also pays for the driver's questions."""
    sql, counts = await superuser("availability"), []
    for policy, size in itertools.product(("same_doctor", "same_category"), (1, 1, 12)):
        doctor, colleague = await service.doctor(), await service.doctor()
        await category(service, doctor, colleague)
        held = await booked(service, doctor, *[in_days(1)] * min(size, 8), *[in_days(2)] * (size - 8))
        await booked(service, colleague, in_days(2))
        await post(http, doctor, closed(in_days(1), in_days(2)))
        await published(service)
        calls = await calls_during(sql, "availability_app", displaced(http, doctor, call(policy=policy), held))
        counts.append((policy, sum(calls.values())))
    assert len(set(counts[1:])) == 2, counts


@pytest.mark.parametrize("timed", [True, False])
async def test_of_thousands_of_places_only_those_are_read_that_may_be_needed(
    service: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any], timed: bool
) -> None:
    """10,000 open times, or 400 numbers on each day of a year of which 20 have a record; on two dates, one near and one far."""
    sql, doctor = await superuser("availability"), await service.doctor()
    await service.settings(default_daily_capacity=400)
    if timed:
        entries = every_day("06:00", "20:00", slot_minutes=5)
        assert (await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": entries})).is_success
    else:
        await booked(service, doctor, *(in_days(day) for day in range(3, 23)))
    near, far = in_days(1), in_days(30)
    held = await booked(service, doctor, near, near, far, far)
    for day in (near, far):
        await post(http, doctor, closed(day, day))
    last = in_days(62)
    assert await rows_during(sql, "availability_app", displaced(http, doctor, call(near, last, dry_run=True), held)) < 120
    steps = await displaced(http, doctor, call(near, last), held)
    assert [place and place.split()[0] for place in starts(steps)] == ["1", "1", "30", "30"]


async def test_a_large_category_is_searched_without_statistics(service: Availability, http: httpx2.AsyncClient) -> None:
    """60,000 open slots of fifty colleagues that are all new to the planner: read badly they take longer than a statement may."""
    doctor, colleagues = await service.doctor(), [await service.doctor() for _ in range(50)]
    await category(service, doctor, *colleagues)
    await schedule(http, doctor, "09:00", "14:00")
    held = await booked(service, doctor, *[in_days(1)] * 20)
    for colleague, (table, columns) in itertools.product(colleagues, COPIED.items()):
        copy = f"INSERT INTO {table} (clinic_id, doctor_id, {columns}) SELECT clinic_id, $1, {columns} FROM {table}"
        await service.execute(f"{copy} WHERE doctor_id = $2", colleague, doctor)
    await service.execute("UPDATE doctors SET scheduled = true WHERE id = ANY($1)", colleagues)
    await post(http, doctor, closed())
    steps = await displaced(http, doctor, call(policy="same_category"), held)
    assert len({step["to"]["slot_id"] for step in steps}) == 20
    assert len({step["to"]["starts_at"] for step in steps}) == 1


async def test_a_rival_who_is_faster_is_seen(service: Availability, consumer: Availability, http: httpx2.AsyncClient) -> None:
    """The chosen place is taken while the displacement waits for its day: the next one is taken in its place."""
    doctor = await service.doctor()
    await schedule(http, doctor, "09:00", "09:30")
    held = await booked(service, doctor, in_days(1))
    await post(http, doctor, closed())
    async with consumer.batch(book(service.clinic, doctor, in_days(2))) as rival:
        waiting = asyncio.create_task(displaced(http, doctor, call(), held))
        assert await blocked(waiting)
    assert starts(await waiting) == ["1 09:15"] and rival.of(SlotReserved)[0].slot_number == 1


async def test_if_nothing_is_left_of_what_was_chosen_all_begins_anew(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    days = [in_days(number) for number in range(2, 32)]
    await schedule(http, doctor, "09:00", "09:15")
    held = await booked(service, doctor, in_days(1))
    await post(http, doctor, closed())
    async with consumer.batch(*(book(service.clinic, doctor, day) for day in days[:20])):
        waiting = asyncio.create_task(displaced(http, doctor, call(), held))
        assert await blocked(waiting)
    assert starts(await waiting) == ["21 09:00"]


async def test_what_comes_free_on_a_day_that_is_not_held_is_not_taken(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient
) -> None:
    """An earlier place is seen while the displacement waits for the day of its own: somebody else may be at that."""
    doctor = await service.doctor()
    days = [in_days(number) for number in range(2, 12)]
    await schedule(http, doctor, "09:00", "09:15")
    held, (early, *_) = await booked(service, doctor, in_days(1)), await booked(service, doctor, *days[:9])
    await post(http, doctor, closed())
    async with consumer.batch(book(service.clinic, doctor, days[9], slot_id=uuid4())):
        waiting = asyncio.create_task(displaced(http, doctor, call(), held))
        assert await blocked(waiting)
        await service.deliver(releases(early))
    assert starts(await waiting) == ["10 09:00"]


async def test_50_bookings_beside_a_displaced_day_of_20(
    service: Availability, consumer: Availability, http: httpx2.AsyncClient, record_property: Callable[[str, object], None]
) -> None:
    """Ten rounds: no place is given twice, and everybody displaced gets one."""

    async def consume(doctor: UUID) -> list[SlotReserved]:
        batches = [[book(service.clinic, doctor, in_days(day)) for day in range(2, 7)] for _ in range(10)]
        return [one for batch in batches for one in (await consumer.deliver(*batch)).of(SlotReserved)]

    shared = Counter[int]()
    for _ in range(10):
        doctor = await service.doctor()
        await schedule(http, doctor, "09:00", "14:00")
        held = await booked(service, doctor, *[in_days(1)] * 20)
        await post(http, doctor, closed())
        steps, rivals = await asyncio.gather(displaced(http, doctor, call(), held), consume(doctor))
        places = [step["to"]["slot_id"] for step in steps]
        assert len(set(places)) == 20 and not set(places) & {str(one.slot_id) for one in rivals}
        taken = "SELECT count(*), count(DISTINCT reservation_id) FROM slots WHERE doctor_id = $1 AND state = 'taken'"
        assert await service.rows(taken, doctor) == [(20 + 20 + len(rivals), 20 + 20 + len(rivals))]
        shared[len({one.date.isoformat() for one in rivals} & {step["to"]["date"] for step in steps})] += 1
    record_property("days that both took places of", dict(shared))
