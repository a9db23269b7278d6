"""The end of holds on a real Postgres: what a sweep writes and emits, several at once, and others who decide meanwhile."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.repository import hold_timers
from services.booking.service.appointments import sweep
from shared.contracts.appointments import Reason
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused, Purpose
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.infra.errors import Outrun
from shared.infra.metrics import HOLDS_EXPIRED
from shared.infra.postgres import Connection, Database
from tests.integration.booking.booking import Booking
from tests.support.batches import BatchResult, until_it_waits
from tests.support.booking_messages import cancel, confirm, move_of, reserved
from tests.support.dates import in_days
from tests.support.waiting import eventually

pytestmark = pytest.mark.integration

ROUNDS = 50


def counted() -> float:
    """How many holds this process has swept."""
    return float(HOLDS_EXPIRED._value.get())


async def published(booking: Booking) -> list[dict[str, Any]]:
    """What was published of the own clinic: a sweep ends the holds of all."""
    return [one for one in await booking.published() if one["clinic_id"] == str(booking.clinic)]


async def test_a_hold_that_is_over_is_expired_and_its_place_given_back(booking: Booking) -> None:
    over, held = await booking.held(), await booking.held()
    await booking.lapse(over)
    await published(booking)
    before = counted()
    await booking.sweep()
    expired, release = await published(booking)
    assert (expired["type"], expired["version"], expired["patient_id"]) == ("AppointmentExpired", 2, str(over.patient_id))
    assert (release["type"], release["slot_id"], release["reservation_id"]) == (
        "SlotReleased", str(over.slot_id), str(over.reservation_id),
    )  # fmt: skip
    assert {one["actor"] for one in (expired, release)} == {"system"}
    assert not {"answer", "command_id", "reply_partition"} & release.keys(), "nobody waits for it"
    row = await booking.row(over)
    assert (row["status"], row["version"]) == ("expired", 2) and row["expires_at"] < row["updated_at"]
    assert await booking.effects(over.appointment_id) == ["appointment_held", "appointment_expired"]
    assert (await booking.row(held))["status"] == "pending"
    assert [await booking.has_timer(slot) for slot in (over, held)] == [False, True]
    assert counted() >= before + 1
    await booking.sweep()
    assert await published(booking) == []


async def test_timers_of_what_was_decided_in_time_end_without_effect(booking: Booking) -> None:
    confirmed, cancelled = await booking.held(), await booking.held()
    await booking.deliver(confirm(booking.clinic, confirmed.appointment_id), cancel(booking.clinic, cancelled.appointment_id))
    async with booking.database.batch({booking.clinic}) as (connection, now):
        await connection.execute("UPDATE hold_timers SET due_at = $2 WHERE clinic_id = $1", booking.clinic, now)
    await published(booking)
    await booking.sweep()
    assert await published(booking) == []
    assert [(await booking.row(slot))["status"] for slot in (confirmed, cancelled)] == ["booked", "cancelled"]
    assert [await booking.has_timer(slot) for slot in (confirmed, cancelled)] == [False, False]


async def test_a_place_that_lapsed_is_held_again_by_another(booking: Booking) -> None:
    over = await booking.held()
    await booking.lapse(over)
    await booking.sweep()
    again = await booking.held(slot_id=over.slot_id, doctor_id=over.doctor_id)
    rows = [await booking.row(slot) for slot in (over, again)]
    assert [row["status"] for row in rows] == ["expired", "pending"]
    assert [row["slot_id"] for row in rows] == [over.slot_id] * 2


async def test_many_are_ended_some_at_a_time_in_one_round(booking: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweep, "HOLDS_PER_TRANSACTION", 2)
    over = [await booking.held() for _ in range(5)]
    await booking.lapse(*over)
    await booking.sweep()
    assert {(await booking.row(slot))["status"] for slot in over} == {"expired"}


async def test_sweeps_of_several_processes_end_each_hold_once(booking: Booking) -> None:
    over = [await booking.held() for _ in range(20)]
    await booking.lapse(*over)
    await published(booking)
    await asyncio.gather(*(booking.sweep() for _ in range(4)))
    await booking.sweep()  # what one could not lock because another only looked at it
    emitted = [one["appointment_id"] for one in await published(booking) if one["type"] == "AppointmentExpired"]
    assert sorted(emitted) == sorted(str(slot.appointment_id) for slot in over)
    assert {(await booking.row(slot))["version"] for slot in over} == {2}


async def test_a_sweep_waits_for_nobody_and_comes_back(booking: Booking) -> None:
    locked, free = await booking.held(), await booking.held()
    await booking.lapse(locked, free)
    async with booking.batch(confirm(booking.clinic, locked.appointment_id)):
        await booking.sweep()
        assert [(await booking.row(slot))["status"] for slot in (locked, free)] == ["pending", "expired"]
        assert await booking.has_timer(locked)
    await booking.sweep()
    assert (await booking.row(locked))["status"] == "expired"


async def test_a_sweep_that_stands_still_holds_up_no_other(booking: Booking, database: Database) -> None:
    """It has locked its timers, and nobody knows for how long: what it has not taken ends all the same."""
    taken, free = await booking.held(), await booking.held()
    await booking.lapse(taken, free)
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM hold_timers WHERE appointment_id = $1 FOR UPDATE", taken.appointment_id)
        await asyncio.wait_for(booking.sweep(), timeout=10)
        assert [(await booking.row(slot))["status"] for slot in (taken, free)] == ["pending", "expired"]
    await booking.sweep()
    assert (await booking.row(taken))["status"] == "expired"


async def test_a_clinic_that_fails_holds_up_no_other(booking: Booking, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Booking(booking.database, uuid4())
    both = [(booking, await booking.held()), (other, await other.held())]
    for one, slot in both:
        await one.lapse(slot)
    take = hold_timers.take_due

    async def fails_for_one(connection: Any, clinic_id: UUID, *rest: Any) -> list[UUID]:
        if clinic_id == booking.clinic:
            raise RuntimeError
        return await take(connection, clinic_id, *rest)

    monkeypatch.setattr(hold_timers, "take_due", fails_for_one)
    await booking.sweep()
    assert [(await one.row(slot))["status"] for one, slot in both] == ["pending", "expired"]
    monkeypatch.undo()
    await booking.sweep()
    assert (await booking.row(both[0][1]))["status"] == "expired"


async def waits_beyond_the_end(
    booking: Booking, database: Database, holder: Connection, slot: SlotReserved, command: Message
) -> "asyncio.Task[BatchResult]":
    """A command that began in time, and waits for the lock of `holder` until the hold is over."""
    racing = asyncio.create_task(booking.deliver(command))
    await until_it_waits(database)
    over = "SELECT expires_at < clock_timestamp() FROM appointments WHERE id = $1"
    await eventually(lambda: holder.fetchval(over, slot.appointment_id))
    return racing


async def test_a_confirmation_that_waited_beyond_the_end_comes_too_late(booking: Booking, database: Database) -> None:
    """It is judged by the clock behind its lock, not by that of its transaction's beginning."""
    slot = await booking.held()
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        # So that the confirmation begins in time, and can only wait.
        await connection.execute(
            "UPDATE appointments SET expires_at = clock_timestamp() + interval '1 s' WHERE id = $1", slot.appointment_id
        )
        racing = await waits_beyond_the_end(booking, database, connection, slot, confirm(booking.clinic, slot.appointment_id))
    assert (await racing).codes == [Code.EXPIRED]


async def test_a_lock_that_was_only_held_is_judged_by_the_clock_behind_it_too(booking: Booking, database: Database) -> None:
    """Nothing was written by who held it: Postgres does not look at the row again, the clock has gone on all the same."""
    slot = await booking.held()
    await booking.lapse(slot, after_seconds=1)
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        racing = await waits_beyond_the_end(booking, database, connection, slot, confirm(booking.clinic, slot.appointment_id))
    assert (await racing).codes == [Code.EXPIRED]


async def test_a_move_that_waited_beyond_the_end_comes_too_late(booking: Booking, database: Database) -> None:
    slot = await booking.held()
    await booking.lapse(slot, after_seconds=1)
    async with database.batch({booking.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        racing = await waits_beyond_the_end(booking, database, connection, slot, move_of(slot))
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.EXPIRED]


async def test_confirm_against_expiry_has_one_winner(booking: Booking) -> None:
    """Around the deadline, side by side: a confirmation, two sweeps, and one who wants the patient's hour."""
    slots = [await booking.held(**at(number)) for number in range(ROUNDS)]
    await published(booking)
    await asyncio.gather(*(_race(booking, slot, number) for number, slot in enumerate(slots)))
    await booking.sweep()
    emitted: dict[str, list[tuple[str, int]]] = {}
    for one in await published(booking):
        if one["type"] in ("AppointmentConfirmed", "AppointmentExpired"):
            emitted.setdefault(one["appointment_id"], []).append((one["type"], one["version"]))
    for slot in slots:
        row = await booking.row(slot)
        assert row["version"] == 2 and row["status"] in ("booked", "expired")
        event = "AppointmentConfirmed" if row["status"] == "booked" else "AppointmentExpired"
        assert emitted[str(slot.appointment_id)] == [(event, 2)]


async def _race(booking: Booking, slot: SlotReserved, number: int) -> None:
    """The deadline is a little before, at, or behind the moment of the confirmation."""
    command = confirm(booking.clinic, slot.appointment_id)
    await booking.lapse(slot, after_seconds=(number % 10) * 0.005)
    result, *_ = await asyncio.gather(booking.deliver(command), booking.sweep(), _persist(booking, slot), booking.sweep())
    row = await booking.row(slot)
    assert result.codes == [None if row["status"] == "booked" else Code.EXPIRED]


async def _persist(booking: Booking, slot: SlotReserved) -> None:
    """The same hour for the same patient, at another doctor's. A batch that was outrun is done again, as the consumer does it."""
    again = reserved(booking.clinic, slot.patient_id, date=slot.date, starts_at=slot.starts_at, ends_at=slot.ends_at)
    await eventually(lambda: _delivered(booking, again))


async def _delivered(booking: Booking, slot: SlotReserved) -> bool:
    try:
        await booking.deliver(slot)
    except Outrun:
        return False
    return True


async def test_twenty_holds_asked_for_at_once_over_two_processes_are_three(booking: Booking, database: Database) -> None:
    patient = await booking.patient()
    asked = [reserved(booking.clinic, patient, purpose=Purpose.HOLD) for _ in range(20)]
    processes = [booking, Booking(database, booking.clinic)]
    results = await asyncio.gather(*(processes[number % 2].deliver(slot) for number, slot in enumerate(asked)))
    assert sorted(kind for one in results for kind in one.types) == ["AppointmentBooked"] * 3 + ["AppointmentRefused"] * 17
    states = [(await booking.row(slot)).get("status") for slot in asked]
    assert states.count("pending") == 3 and states.count(None) == 17


async def test_whoever_of_confirm_cancel_and_sweep_comes_first_is_the_only_one(booking: Booking) -> None:
    slots = [await booking.held() for _ in range(ROUNDS)]
    await published(booking)

    async def once(slot: SlotReserved) -> None:
        asked = (confirm(booking.clinic, slot.appointment_id), cancel(booking.clinic, slot.appointment_id, reason=Reason.ILL))
        await booking.lapse(slot, after_seconds=0.02)
        await asyncio.gather(*(booking.deliver(command) for command in asked), booking.sweep())

    await asyncio.gather(*(once(slot) for slot in slots))
    await booking.lapse(*[slot for slot in slots if (await booking.row(slot))["status"] == "pending"])
    await booking.sweep()
    changes = ("AppointmentConfirmed", "AppointmentCancelled", "AppointmentExpired")
    emitted = [(one["appointment_id"], one["version"]) for one in await published(booking) if one["type"] in changes]
    for slot in slots:
        versions = sorted(version for id_, version in emitted if id_ == str(slot.appointment_id))
        assert versions == list(range(2, (await booking.row(slot))["version"] + 1)), "no gap, none twice"


def at(number: int) -> dict[str, Any]:
    """An hour of tomorrow: patients differ, so all may have the same."""
    start = datetime.combine(in_days(1), time(number % 24), UTC)
    return {"date": in_days(1), "starts_at": start, "ends_at": start + timedelta(hours=1)}
