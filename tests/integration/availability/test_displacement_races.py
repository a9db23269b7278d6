"""Displacing on a real Postgres beside bookings: no place twice, none lost."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable
from uuid import UUID

import httpx2
import pytest

from shared.contracts.availability import SlotReserved
from shared.infra.outbox import Outbox
from shared.infra.unit import Units
from tests.integration.availability.desk import TOMORROW, Desk, book
from tests.integration.availability.test_displacement import LATER, booked, call, displaced, starts
from tests.integration.availability.test_exceptions import closed, post, schedule
from tests.integration.availability.test_races import blocked


@pytest.fixture
def consumer(desk: Desk) -> Desk:
    """Another process at the same database and the same broker."""
    other = Desk(desk.database, desk.clinic)
    other.units, other.publisher = Units(desk.database, Outbox(desk.publisher), desk.publisher), desk.publisher
    return other


async def test_a_rival_who_is_faster_is_seen(desk: Desk, consumer: Desk, http: httpx2.AsyncClient) -> None:
    """The chosen place is taken while the displacement waits for its day: the next one is taken in its place."""
    doctor = await desk.doctor()
    await schedule(http, doctor, "09:00", "09:30")
    held = await booked(desk, doctor, TOMORROW)
    await post(http, doctor, closed())
    async with consumer.batch(book(desk.clinic, doctor, LATER)) as rival:
        waiting = asyncio.create_task(displaced(http, doctor, call(), held))
        assert await blocked(waiting)
    assert starts(await waiting) == ["1 09:15"] and rival.of(SlotReserved)[0].slot_number == 1


async def test_if_nothing_is_left_of_what_was_chosen_all_begins_anew(
    desk: Desk, consumer: Desk, http: httpx2.AsyncClient
) -> None:
    doctor = await desk.doctor()
    days = [TOMORROW + dt.timedelta(days=number) for number in range(1, 31)]
    await schedule(http, doctor, "09:00", "09:15")
    held = await booked(desk, doctor, TOMORROW)
    await post(http, doctor, closed())
    async with consumer.batch(*(book(desk.clinic, doctor, day) for day in days[:20])):
        waiting = asyncio.create_task(displaced(http, doctor, call(), held))
        assert await blocked(waiting)
    assert starts(await waiting) == ["21 09:00"]


async def test_50_bookings_beside_a_displaced_day_of_20(
    desk: Desk, consumer: Desk, http: httpx2.AsyncClient, record_property: Callable[[str, object], None]
) -> None:
    """Ten rounds: no place is given twice, and everybody displaced gets one."""

    async def consume(doctor: UUID) -> list[SlotReserved]:
        batches = [[book(desk.clinic, doctor, LATER + dt.timedelta(days=day)) for day in range(5)] for _ in range(10)]
        return [one for batch in batches for one in (await consumer.deliver(*batch)).of(SlotReserved)]

    shared = Counter[int]()
    for _ in range(10):
        doctor = await desk.doctor()
        await schedule(http, doctor, "09:00", "14:00")
        held = await booked(desk, doctor, *[TOMORROW] * 20)
        await post(http, doctor, closed())
        steps, rivals = await asyncio.gather(displaced(http, doctor, call(), held), consume(doctor))
        places = [step["to"]["slot_id"] for step in steps]
        assert len(set(places)) == 20 and not set(places) & {str(one.slot_id) for one in rivals}
        taken = "SELECT count(*), count(DISTINCT reservation_id) FROM slots WHERE doctor_id = $1 AND state = 'taken'"
        assert await desk.rows(taken, doctor) == [(20 + 20 + len(rivals), 20 + 20 + len(rivals))]
        shared[len({one.date.isoformat() for one in rivals} & {step["to"]["date"] for step in steps})] += 1
    record_property("days that both took places of", dict(shared))
