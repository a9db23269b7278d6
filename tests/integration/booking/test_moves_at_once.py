"""Several moves at once: in one batch they act one after the other, in two processes one waits. No constraint is ever met."""

import asyncio
import datetime as dt
import random
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

import orjson
import pytest
from httpx2 import AsyncClient

from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentMoved, AppointmentRefused, SlotReleased
from shared.contracts.problems import Code
from shared.infra.errors import is_transient
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, merge, registered
from tests.support.batches import until_it_waits
from tests.support.booking_messages import cancel, check_in, move_of, reserved
from tests.support.dates import in_days

pytestmark = pytest.mark.integration


def at(hour: float) -> dict[str, Any]:
    """An hour of tomorrow, from then on."""
    start = dt.datetime.combine(in_days(1), dt.time(), dt.UTC) + dt.timedelta(hours=hour)
    return {"date": in_days(1), "starts_at": start, "ends_at": start + dt.timedelta(hours=1)}


async def test_two_appointments_of_a_patient_change_places_in_one_batch(booking: Booking) -> None:
    """Each statement by itself would meet the other's old place: by way of a third place, in the order of their arrival."""
    patient = await booking.patient()
    one, other = [await booking.booked(patient=patient, **at(hour)) for hour in (9, 10)]
    steps = [move_of(one, **at(11)), move_of(other, **at(9)), move_of(one, **at(10)), reserved(booking.clinic, patient, **at(11))]
    result = await booking.deliver(*steps)
    assert result.types == ["AppointmentMoved", "SlotReleased"] * 3 + ["AppointmentBooked"]
    assert [moved.version for moved in result.of(AppointmentMoved)] == [2, 2, 3]
    rows = [await booking.row(slot) for slot in (one, other)]
    assert [(row["starts_at"].hour, row["version"]) for row in rows] == [(10, 3), (9, 2)]


async def test_a_place_that_is_left_can_be_booked_and_one_that_is_booked_not_moved_to(booking: Booking) -> None:
    patient = await booking.patient()
    one, other = [await booking.booked(patient=patient, **at(hour)) for hour in (9, 10)]
    result = await booking.deliver(
        reserved(booking.clinic, patient, **at(9)),
        move_of(one, **at(11)),
        reserved(booking.clinic, patient, **at(9)),
        move_of(other, **at(9)),
        move_of(one, **at(12)),
        move_of(other, **at(11)),
        reserved(booking.clinic, patient, **at(10)),
    )
    assert [type_ for type_ in result.types if type_ != "SlotReleased"] == [
        "AppointmentRefused", "AppointmentMoved", "AppointmentBooked", "AppointmentRefused", "AppointmentMoved",
        "AppointmentMoved", "AppointmentBooked",
    ]  # fmt: skip


async def test_each_move_of_one_appointment_gives_back_the_place_before(booking: Booking) -> None:
    old = await booking.booked()
    moves = [move_of(old, doctor_id=uuid4()) for _ in range(5)]
    result = await booking.deliver(*moves)
    assert [one.reservation_id for one in result.of(SlotReleased)] == [one.reservation_id for one in (old, *moves[:-1])]
    assert [one.key for one in result.of(SlotReleased)] == [one.key for one in (old, *moves[:-1])]
    row = await booking.row(old)
    assert (row["reservation_id"], row["version"]) == (moves[-1].reservation_id, 6)


async def test_whatever_a_batch_moves_and_books_a_patient_is_in_one_place(booking: Booking) -> None:
    """Random walks of a few patients over a few hours: what is decided is what can be written, and what is written agrees."""
    dice = random.Random(6)
    for _ in range(10):
        patients = [await booking.patient() for _ in range(3)]
        slots = [await booking.booked(patient=patient, **at(hour)) for patient in patients for hour in (1, 3, 5)]
        batch = [
            move_of(dice.choice(slots), **at(dice.randrange(12) / 2))
            if dice.random() < 0.7
            else reserved(booking.clinic, dice.choice(patients), **at(dice.randrange(12) / 2))
            for _ in range(40)
        ]
        result = await booking.deliver(*batch)
        moved = {one.appointment_id: one for one in result.of(AppointmentMoved)}
        assert moved and result.of(AppointmentRefused)
        for slot in slots:
            row, last = await booking.row(slot), moved.get(slot.appointment_id)
            now = (last.reservation_id, last.version) if last else (slot.reservation_id, 1)
            assert (row["reservation_id"], row["version"]) == now


# Two processes


async def test_two_moves_of_one_appointment_end_in_the_later_place_and_free_the_others(
    booking: Booking, database: Database
) -> None:
    old = await booking.booked()
    first, second = move_of(old), move_of(old)
    async with booking.batch(first):
        racing = asyncio.create_task(booking.deliver(second))
        await until_it_waits(database)
    (release,) = (await racing).of(SlotReleased)
    assert release.reservation_id == first.reservation_id and release.key == first.key
    row = await booking.row(old)
    assert (row["reservation_id"], row["version"]) == (second.reservation_id, 3)


async def test_a_move_waits_for_a_cancel_and_is_refused(booking: Booking, database: Database) -> None:
    old = await booking.booked()
    async with booking.batch(cancel(booking.clinic, old.appointment_id)):
        racing = asyncio.create_task(booking.deliver(move_of(old)))
        await until_it_waits(database)
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.CANCELLED]


async def test_a_cancel_waits_for_a_move_and_gives_the_new_place_back(booking: Booking, database: Database) -> None:
    old = await booking.booked()
    new = move_of(old)
    async with booking.batch(new):
        racing = asyncio.create_task(booking.deliver(cancel(booking.clinic, old.appointment_id)))
        await until_it_waits(database)
    (release,) = (await racing).of(SlotReleased)
    assert (release.key, release.reservation_id) == (new.key, new.reservation_id)


async def test_a_check_in_waits_for_a_move_to_another_day_and_is_refused(booking: Booking, database: Database) -> None:
    old = await booking.booked(date=in_days())
    async with booking.batch(move_of(old, date=in_days(1))):
        racing = asyncio.create_task(booking.deliver(check_in(booking.clinic, old.appointment_id, old.patient_id)))
        await until_it_waits(database)
    assert (await racing).codes == [Code.NOT_TODAY]


async def test_a_move_waits_for_a_booking_of_its_patient_and_finds_it(booking: Booking, database: Database) -> None:
    old = await booking.booked(**at(9))
    async with booking.batch(reserved(booking.clinic, old.patient_id, **at(11))):
        racing = asyncio.create_task(booking.deliver(move_of(old, **at(11.5))))
        await until_it_waits(database)
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_move_for_a_patient_who_is_merged_meanwhile_is_the_survivor_s(booking: Booking, client: AsyncClient) -> None:
    loser, survivor = await registered(client), await registered(client)
    old, busy = await booking.booked(patient=loser, **at(9)), await booking.booked(patient=survivor, **at(11))
    gone = await booking.booked(patient=loser)
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    assert (await merge(client, loser, survivor)).status_code == 200
    result = await booking.deliver(move_of(old, **at(11)), move_of(old, **at(12)), move_of(gone))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.PATIENT_BUSY, Code.CANCELLED]
    (moved,) = result.of(AppointmentMoved)
    assert (moved.patient_id, moved.version) == (survivor, 3), "reassigned, then moved"
    assert (await booking.row(busy))["version"] == 1


async def test_moves_cancels_bookings_and_ends_side_by_side_leave_one_place_each(booking: Booking, client: AsyncClient) -> None:
    """Nobody deadlocks for ever, versions have no gap, and what lives has the reservation that the last move gave it."""
    patients = [await booking.patient() for _ in range(6)]
    slots = [await booking.booked(patient=patient, **at(hour)) for patient in patients for hour in (1, 4)]
    dice = random.Random(7)

    async def process(number: int) -> None:
        for _ in range(8):
            chosen = dice.sample(slots, 4)
            moves: list[Any] = [move_of(one, **at(dice.randrange(20) / 2)) for one in chosen]
            if dice.random() < 0.3:
                moves.append(cancel(booking.clinic, chosen[-1].appointment_id))
            await until_done(booking, moves)

    await asyncio.gather(*(process(number) for number in range(4)), delete(client, patients[0], cancelling=True))
    for slot in slots:
        told, row = await told_about(booking, slot), await booking.row(slot)
        own = str(row["reservation_id"])
        assert told.versions == list(range(1, row["version"] + 1)), "no gap, none twice"
        assert told.reservations[-1] == own
        assert told.released == set(told.reservations) - (set() if row["status"] == "cancelled" else {own})


async def until_done(booking: Booking, batch: list[Any]) -> None:
    """As the consumer does it: again, if another process was in the way."""
    for _ in range(20):
        try:
            await booking.deliver(*batch)
        except Exception as error:
            if not is_transient(error):
                raise
        else:
            return
    raise AssertionError("always in somebody's way")


@dataclass(frozen=True)
class Told:
    """What was emitted about an appointment: its versions, the reservations that it had one after the other, those given back."""

    versions: list[int]
    reservations: list[str]
    released: set[str]


async def told_about(booking: Booking, slot: SlotReserved) -> Told:
    """The emitted messages about an appointment, by the versions that they give it."""
    emitted = await emitted_about(booking, slot.appointment_id)
    changes = sorted((one for one in emitted if "version" in one), key=lambda one: int(one["version"]))
    return Told(
        versions=[one["version"] for one in changes],
        reservations=[one["reservation_id"] for one in changes if "reservation_id" in one],
        released={one["reservation_id"] for one in emitted if one["type"] == "SlotReleased"},
    )


async def emitted_about(booking: Booking, appointment: UUID) -> list[dict[str, Any]]:
    """Everything that was emitted about an appointment: published, or left to the relay behind an unsent row of its key."""
    rows = await booking.database.hot.fetch("SELECT body FROM outbox WHERE clinic_id = $1", booking.clinic)
    bodies = [orjson.loads(body) for body in (*(one.body for one in booking.publisher.records), *(row["body"] for row in rows))]
    messages = {body["message_id"]: body for body in bodies}
    return [message for message in messages.values() if message.get("appointment_id") == str(appointment)]
