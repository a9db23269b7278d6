"""The end of holds on a real Postgres: what a sweep writes and says, several at once, and against those who decide meanwhile."""

import asyncio
from datetime import UTC, datetime, time, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from services.booking.repository import holds as timers
from services.booking.service.appointments import holds
from shared.contracts.appointments import Reason
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused, Purpose
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.infra.errors import Outrun
from shared.infra.metrics import HOLDS_EXPIRED
from shared.infra.postgres import Connection, Database
from tests.integration.booking.desk import Desk, Said
from tests.integration.booking.test_races import until_it_waits
from tests.support.dates import in_days
from tests.support.waiting import eventually
from tests.unit.booking.messages import cancel, confirm, move_of, reserved

pytestmark = pytest.mark.integration

ROUNDS = 50


def counted() -> float:
    """How many holds this process has swept."""
    return float(HOLDS_EXPIRED._value.get())


async def heard(desk: Desk) -> list[dict[str, Any]]:
    """What was said of the desk's own clinic: a sweep ends the holds of all."""
    return [one for one in await desk.heard() if one["clinic_id"] == str(desk.clinic)]


async def test_a_hold_that_is_over_is_expired_and_its_place_given_back(desk: Desk) -> None:
    over, held = await desk.held(), await desk.held()
    await desk.lapse(over)
    await heard(desk)
    before = counted()
    await desk.sweep()
    expired, release = await heard(desk)
    assert (expired["type"], expired["version"], expired["patient_id"]) == ("AppointmentExpired", 2, str(over.patient_id))
    assert (release["type"], release["slot_id"], release["reservation_id"]) == (
        "SlotReleased", str(over.slot_id), str(over.reservation_id),
    )  # fmt: skip
    assert {one["actor"] for one in (expired, release)} == {"system"}
    assert not {"answer", "command_id", "reply_partition"} & release.keys(), "nobody waits for it"
    row = await desk.row(over)
    assert (row["status"], row["version"]) == ("expired", 2) and row["expires_at"] < row["updated_at"]
    assert await desk.effects(over.appointment_id) == ["appointment_held", "appointment_expired"]
    assert (await desk.row(held))["status"] == "pending"
    assert [await desk.has_timer(slot) for slot in (over, held)] == [False, True]
    assert counted() >= before + 1
    await desk.sweep()
    assert await heard(desk) == []


async def test_timers_of_what_was_decided_in_time_end_without_effect(desk: Desk) -> None:
    confirmed, cancelled = await desk.held(), await desk.held()
    await desk.deliver(confirm(desk.clinic, confirmed.appointment_id), cancel(desk.clinic, cancelled.appointment_id))
    async with desk.database.batch({desk.clinic}) as (connection, now):
        await connection.execute("UPDATE hold_timers SET due_at = $2 WHERE clinic_id = $1", desk.clinic, now)
    await heard(desk)
    await desk.sweep()
    assert await heard(desk) == []
    assert [(await desk.row(slot))["status"] for slot in (confirmed, cancelled)] == ["booked", "cancelled"]
    assert [await desk.has_timer(slot) for slot in (confirmed, cancelled)] == [False, False]


async def test_a_place_that_lapsed_is_held_again_by_another(desk: Desk) -> None:
    over = await desk.held()
    await desk.lapse(over)
    await desk.sweep()
    await desk.held(slot_id=over.slot_id, doctor_id=over.doctor_id)


async def test_many_are_ended_some_at_a_time_in_one_round(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(holds, "HOLDS", 2)
    over = [await desk.held() for _ in range(5)]
    await desk.lapse(*over)
    await desk.sweep()
    assert {(await desk.row(slot))["status"] for slot in over} == {"expired"}


async def test_sweeps_of_several_processes_end_each_hold_once(desk: Desk) -> None:
    over = [await desk.held() for _ in range(20)]
    await desk.lapse(*over)
    await heard(desk)
    await asyncio.gather(*(desk.sweep() for _ in range(4)))
    await desk.sweep()  # what one could not lock because another only looked at it
    told = [one["appointment_id"] for one in await heard(desk) if one["type"] == "AppointmentExpired"]
    assert sorted(told) == sorted(str(slot.appointment_id) for slot in over)
    assert {(await desk.row(slot))["version"] for slot in over} == {2}


async def test_a_sweep_waits_for_nobody_and_comes_back(desk: Desk) -> None:
    locked, free = await desk.held(), await desk.held()
    await desk.lapse(locked, free)
    async with desk.batch(confirm(desk.clinic, locked.appointment_id)):
        await desk.sweep()
        assert [(await desk.row(slot))["status"] for slot in (locked, free)] == ["pending", "expired"]
        assert await desk.has_timer(locked)
    await desk.sweep()
    assert (await desk.row(locked))["status"] == "expired"


async def test_a_sweep_that_stands_still_holds_up_no_other(desk: Desk, database: Database) -> None:
    """It has locked its timers, and nobody knows for how long: what it has not taken ends all the same."""
    taken, free = await desk.held(), await desk.held()
    await desk.lapse(taken, free)
    async with database.batch({desk.clinic}) as (connection, _):
        await connection.execute("SELECT FROM hold_timers WHERE appointment_id = $1 FOR UPDATE", taken.appointment_id)
        await asyncio.wait_for(desk.sweep(), timeout=10)
        assert [(await desk.row(slot))["status"] for slot in (taken, free)] == ["pending", "expired"]
    await desk.sweep()
    assert (await desk.row(taken))["status"] == "expired"


async def test_a_clinic_that_fails_holds_up_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    other = Desk(desk.database, uuid4())
    both = [(desk, await desk.held()), (other, await other.held())]
    for one, slot in both:
        await one.lapse(slot)
    take = timers.take_due

    async def fails_for_one(connection: Any, clinic_id: UUID, *rest: Any) -> list[UUID]:
        if clinic_id == desk.clinic:
            raise RuntimeError
        return await take(connection, clinic_id, *rest)

    monkeypatch.setattr(timers, "take_due", fails_for_one)
    await desk.sweep()
    assert [(await one.row(slot))["status"] for one, slot in both] == ["pending", "expired"]
    monkeypatch.undo()
    await desk.sweep()
    assert (await desk.row(both[0][1]))["status"] == "expired"


async def waits_beyond_the_end(
    desk: Desk, database: Database, holder: Connection, slot: SlotReserved, command: Message
) -> "asyncio.Task[Said]":
    """A command that began in time, and waits for the lock of `holder` until the hold is over."""
    racing = asyncio.create_task(desk.deliver(command))
    await until_it_waits(database)
    over = "SELECT expires_at < clock_timestamp() FROM appointments WHERE id = $1"
    await eventually(lambda: holder.fetchval(over, slot.appointment_id))
    return racing


async def test_a_confirmation_that_waited_beyond_the_end_comes_too_late(desk: Desk, database: Database) -> None:
    """It is judged by the clock behind its lock, not by that of its transaction's beginning."""
    slot = await desk.held()
    async with database.batch({desk.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        # So that the confirmation begins in time, and can only wait.
        await connection.execute(
            "UPDATE appointments SET expires_at = clock_timestamp() + interval '1 s' WHERE id = $1", slot.appointment_id
        )
        racing = await waits_beyond_the_end(desk, database, connection, slot, confirm(desk.clinic, slot.appointment_id))
    assert (await racing).codes == [Code.EXPIRED]


async def test_a_lock_that_was_only_held_is_judged_by_the_clock_behind_it_too(desk: Desk, database: Database) -> None:
    """Nothing was written by who held it: Postgres does not look at the row again, the clock has gone on all the same."""
    slot = await desk.held()
    await desk.lapse(slot, after_seconds=1)
    async with database.batch({desk.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        racing = await waits_beyond_the_end(desk, database, connection, slot, confirm(desk.clinic, slot.appointment_id))
    assert (await racing).codes == [Code.EXPIRED]


async def test_a_move_that_waited_beyond_the_end_comes_too_late(desk: Desk, database: Database) -> None:
    slot = await desk.held()
    await desk.lapse(slot, after_seconds=1)
    async with database.batch({desk.clinic}) as (connection, _):
        await connection.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        racing = await waits_beyond_the_end(desk, database, connection, slot, move_of(slot))
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.EXPIRED]


async def test_confirm_against_expiry_has_one_winner(desk: Desk) -> None:
    """Around the deadline, side by side: a confirmation, two sweeps, and one who wants the patient's hour."""
    slots = [await desk.held(**at(number)) for number in range(ROUNDS)]
    await heard(desk)
    await asyncio.gather(*(_race(desk, slot, number) for number, slot in enumerate(slots)))
    await desk.sweep()
    told: dict[str, list[tuple[str, int]]] = {}
    for one in await heard(desk):
        if one["type"] in ("AppointmentConfirmed", "AppointmentExpired"):
            told.setdefault(one["appointment_id"], []).append((one["type"], one["version"]))
    for slot in slots:
        row = await desk.row(slot)
        assert row["version"] == 2 and row["status"] in ("booked", "expired")
        said = "AppointmentConfirmed" if row["status"] == "booked" else "AppointmentExpired"
        assert told[str(slot.appointment_id)] == [(said, 2)]


async def _race(desk: Desk, slot: SlotReserved, number: int) -> None:
    """The deadline is a little before, at, or behind the moment of the confirmation."""
    command = confirm(desk.clinic, slot.appointment_id)
    await desk.lapse(slot, after_seconds=(number % 10) * 0.005)
    said, *_ = await asyncio.gather(desk.deliver(command), desk.sweep(), _persist(desk, slot), desk.sweep())
    row = await desk.row(slot)
    assert said.codes == [None if row["status"] == "booked" else Code.EXPIRED]


async def _persist(desk: Desk, slot: SlotReserved) -> None:
    """The same hour for the same patient, at another doctor's. A batch that was outrun is done again, as the runner does it."""
    again = reserved(desk.clinic, slot.patient_id, date=slot.date, starts_at=slot.starts_at, ends_at=slot.ends_at)
    await eventually(lambda: _delivered(desk, again))


async def _delivered(desk: Desk, slot: SlotReserved) -> bool:
    try:
        await desk.deliver(slot)
    except Outrun:
        return False
    return True


async def test_twenty_holds_asked_for_at_once_over_two_processes_are_three(desk: Desk, database: Database) -> None:
    patient = await desk.patient()
    asked = [reserved(desk.clinic, patient, purpose=Purpose.HOLD) for _ in range(20)]
    processes = [desk, Desk(database, desk.clinic)]
    said = await asyncio.gather(*(processes[number % 2].deliver(slot) for number, slot in enumerate(asked)))
    assert sorted(kind for one in said for kind in one.types) == ["AppointmentBooked"] * 3 + ["AppointmentRefused"] * 17
    states = [(await desk.row(slot)).get("status") for slot in asked]
    assert states.count("pending") == 3 and states.count(None) == 17


async def test_whoever_of_confirm_cancel_and_sweep_comes_first_is_the_only_one(desk: Desk) -> None:
    slots = [await desk.held() for _ in range(ROUNDS)]
    await heard(desk)

    async def once(slot: SlotReserved) -> None:
        asked = (confirm(desk.clinic, slot.appointment_id), cancel(desk.clinic, slot.appointment_id, reason=Reason.ILL))
        await desk.lapse(slot, after_seconds=0.02)
        await asyncio.gather(*(desk.deliver(command) for command in asked), desk.sweep())

    await asyncio.gather(*(once(slot) for slot in slots))
    await desk.lapse(*[slot for slot in slots if (await desk.row(slot))["status"] == "pending"])
    await desk.sweep()
    changes = ("AppointmentConfirmed", "AppointmentCancelled", "AppointmentExpired")
    told = [(one["appointment_id"], one["version"]) for one in await heard(desk) if one["type"] in changes]
    for slot in slots:
        versions = sorted(version for id_, version in told if id_ == str(slot.appointment_id))
        assert versions == list(range(2, (await desk.row(slot))["version"] + 1)), "no gap, none twice"


def at(number: int) -> dict[str, Any]:
    """An hour of tomorrow: patients differ, so all may have the same."""
    start = datetime.combine(in_days(1), time(number % 24), UTC)
    return {"date": in_days(1), "starts_at": start, "ends_at": start + timedelta(hours=1)}
