"""Two processes at once: whoever comes second waits, and judges by what the first has written."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from uuid import uuid4

import pytest

from services.booking.repository import appointments, patient_locks
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused, Purpose
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking
from tests.support.batches import until_it_waits
from tests.support.booking_messages import cancel, check_in, move_of, reserved, revoked

pytestmark = pytest.mark.integration


async def test_a_second_booking_of_the_day_waits_for_the_first_and_is_refused(booking: Booking, database: Database) -> None:
    await booking.settings(one_booking_per_patient_day=True)
    patient, doctor = await booking.patient(), uuid4()
    first, second = (reserved(booking.clinic, patient, doctor_id=doctor) for _ in range(2))
    async with booking.batch(first) as result:
        racing = asyncio.create_task(booking.deliver(second))
        await until_it_waits(database)
    assert result.types == ["AppointmentBooked"]
    late = await racing
    assert [one.answer.code for one in late.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_check_in_waits_for_a_cancel_and_finds_it_done(booking: Booking, database: Database) -> None:
    slot = await booking.booked()
    async with booking.batch(cancel(booking.clinic, slot.appointment_id)):
        racing = asyncio.create_task(booking.deliver(check_in(booking.clinic, slot.appointment_id, slot.patient_id)))
        await until_it_waits(database)
    assert (await racing).codes == [Code.CANCELLED]
    row = await booking.row(slot)
    assert (row["status"], row["version"]) == ("cancelled", 2)


async def test_one_message_in_two_processes_at_once_has_one_effect(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    both = await asyncio.gather(booking.deliver(slot), booking.deliver(slot))
    assert sorted(result.types for result in both) == [[], ["AppointmentBooked"]]


LOCKS: dict[str, Callable[..., Awaitable[object]]] = {
    "patients": patient_locks.lock,
    "appointments": partial(appointments.lock, now=datetime.now(UTC)),
}


@pytest.mark.parametrize("table", LOCKS)
async def test_rows_are_locked_in_the_order_of_their_ids_whatever_the_order_of_asking(
    booking: Booking, database: Database, table: str
) -> None:
    lock = LOCKS[table]
    ids = sorted(uuid4() for _ in range(5))
    for id_ in reversed(ids):  # neither the order of asking nor that of the table is the order of locking
        await booking.booked(patient=await booking.patient(id_=id_), appointment_id=id_)
    keys = [(booking.clinic, id_) for id_ in reversed(ids)]

    async def lock_all() -> None:
        async with database.batch({booking.clinic}) as (connection, _):
            await lock(connection, keys)

    async with database.batch({booking.clinic}) as (connection, _):
        await lock(connection, keys[:1])
        racing = asyncio.create_task(lock_all())
        await until_it_waits(database)
        free = await connection.fetch(f"SELECT id FROM {table} WHERE id = ANY($1) FOR NO KEY UPDATE SKIP LOCKED", ids)
        assert [row["id"] for row in free] == ids[-1:], "who waits for the last has all before it"
    await racing


async def test_batches_that_want_the_same_rows_in_other_orders_never_deadlock(booking: Booking) -> None:
    slots = [await booking.booked() for _ in range(20)]
    asked = [(slot.patient_id, slot.appointment_id) for slot in slots]

    async def batch(order: int) -> None:
        bookings = [reserved(booking.clinic, patient) for patient, _ in asked[::order]]
        await booking.deliver(*bookings, *[cancel(booking.clinic, id_) for _, id_ in asked[::-order]])

    await asyncio.gather(*(batch(order) for order in (1, -1) * 10))
    assert {(await booking.row(slot))["version"] for slot in slots} == {2}


BATCHES: dict[str, Callable[[SlotReserved, SlotReserved], list[Message]]] = {
    "move_and_cancel": lambda low, high: [move_of(high), cancel(low.clinic_id, low.appointment_id)],
    "cancel_and_revoked": lambda low, high: [cancel(high.clinic_id, high.appointment_id), revoked(low)],
    "move_and_revoked": lambda low, high: [move_of(high), revoked(low)],
}


@pytest.mark.parametrize("kind", BATCHES)
async def test_a_batch_locks_all_of_its_appointments_at_once(booking: Booking, database: Database, kind: str) -> None:
    """Whichever of its messages is first: else two batches that have both the other way round wait for each other."""
    low, high = sorted([await booking.booked(), await booking.booked()], key=lambda slot: slot.appointment_id)
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", low.appointment_id)
        racing = asyncio.create_task(booking.deliver(*BATCHES[kind](low, high)))
        await until_it_waits(database)
        free = "SELECT id FROM appointments WHERE id = $1 FOR UPDATE SKIP LOCKED"
        assert await connection.fetchval(free, high.appointment_id), "nothing is held while it waits for the first"
    await racing
    assert {(await booking.row(slot))["version"] for slot in (low, high)} == {2}


async def test_a_hold_in_the_way_is_ended_behind_the_locks_of_the_batchs_commands(booking: Booking, database: Database) -> None:
    """Whoever has ended one waits for no appointment any more, so nobody who wants both is waited for in a circle."""
    slot, held = await booking.booked(), await booking.held()
    await booking.lapse(held)
    wanted = reserved(booking.clinic, held.patient_id, purpose=Purpose.HOLD)
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        racing = asyncio.create_task(booking.deliver(wanted, cancel(booking.clinic, slot.appointment_id)))
        await until_it_waits(database)
        free = "SELECT id FROM appointments WHERE id = $1 FOR UPDATE SKIP LOCKED"
        assert await connection.fetchval(free, held.appointment_id), "it is ended last of all"
    result = await racing
    assert [kind for kind in result.types if kind != "SlotReleased"] == [
        "AppointmentExpired", "AppointmentBooked", "AppointmentCancelled",
    ]  # fmt: skip
