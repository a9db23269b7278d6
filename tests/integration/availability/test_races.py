"""Processes at the same day on a real Postgres: the row lock excludes, whatever becomes of the locks in Redis."""

import asyncio
from typing import Any

from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, book, releases

PATIENCE_SECONDS = 0.2


async def blocked(work: "asyncio.Task[Any]") -> bool:
    """Whether the work waits for somebody."""
    done, _ = await asyncio.wait([work], timeout=PATIENCE_SECONDS)
    return not done


async def test_a_batch_waits_for_the_day_and_sees_what_the_other_took(service: Availability) -> None:
    doctor = await service.doctor()
    await service.deliver(*(book(service.clinic, doctor) for _ in range(8)))
    three = [book(service.clinic, doctor) for _ in range(3)]
    async with service.batch(book(service.clinic, doctor)) as first:
        waiting = asyncio.create_task(service.deliver(*three))
        assert await blocked(waiting)
    assert first.numbers + (await waiting).numbers == [9, 10]
    assert waiting.result().refusals == [Code.FULL] * 2


async def test_a_batch_that_waits_sees_what_the_other_frees(service: Availability) -> None:
    """The pick is a statement behind the lock: in one statement with it, it would find the day full."""
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(10)))).of(SlotReserved)
    async with service.batch(releases(held[3])):
        waiting = asyncio.create_task(service.deliver(book(service.clinic, doctor)))
        assert await blocked(waiting)
    assert (await waiting).numbers == [4]


async def test_a_batch_that_waits_for_a_day_being_made_finds_its_slots(service: Availability) -> None:
    doctor = await service.doctor()
    async with service.batch(book(service.clinic, doctor)) as first:
        waiting = asyncio.create_task(service.deliver(book(service.clinic, doctor)))
        assert await blocked(waiting)
    assert first.numbers + (await waiting).numbers == [1, 2]
    assert len(await service.rows("SELECT FROM slots WHERE doctor_id = $1", doctor)) == 10


async def test_a_deleted_doctor_is_waited_for(service: Availability) -> None:
    doctor = await service.doctor()
    async with service.database.batch({service.clinic}) as (connection, _):
        await connection.execute("UPDATE doctors SET status = 'deleted' WHERE id = $1", doctor)
        waiting = asyncio.create_task(service.deliver(book(service.clinic, doctor)))
        assert await blocked(waiting)
    assert (await waiting).refusals == [Code.UNKNOWN_DOCTOR]


async def test_a_release_that_is_delivered_to_two_processes_acts_once(service: Availability) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    await asyncio.gather(*(service.deliver(releases(held), book(service.clinic, doctor)) for _ in range(8)))
    assert len(await service.numbers(doctor, "taken")) == 8, "one was given back, eight were taken"


async def test_a_message_that_is_delivered_to_two_processes_takes_one_place(service: Availability) -> None:
    doctor = await service.doctor()
    command = book(service.clinic, doctor)
    said = await asyncio.gather(*(service.deliver(command.model_copy()) for _ in range(8)))
    assert sorted(one.types for one in said) == [["CommandRepeated"]] * 7 + [["SlotReserved"]]
    assert await service.numbers(doctor, "taken") == [1]


async def test_200_at_once_for_a_day_of_10(service: Availability) -> None:
    doctor = await service.doctor()
    said = await asyncio.gather(*(service.deliver(*(book(service.clinic, doctor) for _ in range(4))) for _ in range(50)))
    assert sorted(number for one in said for number in one.numbers) == list(range(1, 11))
    assert sum(len(one.refusals) for one in said) == 190


async def test_batches_that_name_days_in_opposite_orders_do_not_deadlock(service: Availability) -> None:
    doctors = [await service.doctor() for _ in range(40)]
    orders = [doctors if n % 2 else doctors[::-1] for n in range(8)]
    said = await asyncio.gather(*(service.deliver(*(book(service.clinic, doctor) for doctor in order)) for order in orders))
    assert all(len(one.numbers) == 40 for one in said)


async def test_a_full_day_cancelled_and_booked_at_once_always_gives_the_freed_number(service: Availability) -> None:
    """Both go in order through one partition: one batch or two, the booking finds the place."""
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(10)))).of(SlotReserved)
    for round_ in range(50):
        gone = held.pop(round_ % 10)
        said = await service.deliver(releases(gone), book(service.clinic, doctor))
        assert said.numbers == [gone.slot_number]
        held += said.of(SlotReserved)
