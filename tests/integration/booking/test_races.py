"""Two processes at once: whoever comes second waits, and judges by what the first has written."""

import asyncio
from uuid import uuid4

import pytest

from shared.contracts.booking import AppointmentRefused
from shared.contracts.problems import Code
from shared.infra.postgres import Database
from tests.integration.booking.desk import Desk
from tests.support.waiting import eventually
from tests.unit.booking.messages import cancel, check_in, reserved

pytestmark = pytest.mark.integration


async def until_it_waits(database: Database) -> None:
    """Returns when a transaction of this database waits for a lock that another holds."""
    await eventually(lambda: database.hot.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_a_second_booking_of_the_day_waits_for_the_first_and_is_refused(desk: Desk, database: Database) -> None:
    await desk.settings(one_booking_per_patient_day=True)
    patient, doctor = await desk.patient(), uuid4()
    first, second = (reserved(desk.clinic, patient, doctor_id=doctor) for _ in range(2))
    async with desk.batch(first) as said:
        racing = asyncio.create_task(desk.deliver(second))
        await until_it_waits(database)
    assert said.types == ["AppointmentBooked"]
    late = await racing
    assert [one.answer.code for one in late.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_check_in_waits_for_a_cancel_and_finds_it_done(desk: Desk, database: Database) -> None:
    slot = await desk.booked()
    async with desk.batch(cancel(desk.clinic, slot.appointment_id)):
        racing = asyncio.create_task(desk.deliver(check_in(desk.clinic, slot.appointment_id, slot.patient_id)))
        await until_it_waits(database)
    assert (await racing).codes == [Code.CANCELLED]
    row = await desk.row(slot)
    assert (row["status"], row["version"]) == ("cancelled", 2)


async def test_a_booking_waits_for_its_patient_to_be_deleted_and_is_refused(desk: Desk, database: Database) -> None:
    patient = await desk.patient()
    async with database.batch({desk.clinic}) as (connection, _):
        await connection.execute("UPDATE patients SET status = 'deleted' WHERE id = $1", patient)
        racing = asyncio.create_task(desk.deliver(reserved(desk.clinic, patient)))
        await until_it_waits(database)
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.UNKNOWN_PATIENT]


async def test_one_message_in_two_processes_at_once_has_one_effect(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    both = await asyncio.gather(desk.deliver(slot), desk.deliver(slot))
    assert sorted(said.types for said in both) == [[], ["AppointmentBooked"]]


async def test_batches_that_want_the_same_rows_in_other_orders_never_deadlock(desk: Desk) -> None:
    slots = [await desk.booked() for _ in range(20)]
    asked = [(slot.patient_id, slot.appointment_id) for slot in slots]

    async def batch(order: int) -> None:
        bookings = [reserved(desk.clinic, patient) for patient, _ in asked[::order]]
        await desk.deliver(*bookings, *[cancel(desk.clinic, id_) for _, id_ in asked[::-order]])

    await asyncio.gather(*(batch(order) for order in (1, -1) * 10))
    assert {(await desk.row(slot))["version"] for slot in slots} == {2}
