"""The life of a timed appointment: held, confirmed or over, moved or left where it is, cancelled with a note."""

import datetime as dt

import pytest

from services.booking.service.appointments.sweep import sweep_job
from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentRefused,
    SlotReleased,
)
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS
from tests.flow.system import Slot, System, result_of
from tests.support.waiting import eventually


@pytest.fixture
def day(today: dt.date) -> dt.date:
    """None of its slots has begun."""
    return today + dt.timedelta(days=3)


async def events(system: System, appointment: str) -> list[str]:
    return [change["event"] for change in await system.history(appointment)]


async def is_free(system: System, slot: Slot) -> bool:
    open_slots = await system.open_slots(slot["doctor_id"], dt.date.fromisoformat(slot["date"]))
    return slot["id"] in {one["id"] for one in open_slots}


async def test_a_hold_is_confirmed(system: System, day: dt.date) -> None:
    slot, patient = (await system.slots(day))[1], await system.patient()
    reply = await system.hold(slot, patient)
    held = result_of(reply)
    assert (reply.answer.status_code, held["status"], held["slot_id"], held["version"]) == (201, "pending", slot["id"], 1)
    assert held == await system.get("booking", f"/appointments/{held['id']}")
    assert not await is_free(system, slot)

    first = await system.confirm(held["id"])
    booked = result_of(first)
    assert (first.answer.status_code, booked["status"], booked["expires_at"], booked["version"]) == (200, "booked", None, 2)
    assert (await system.confirm(held["id"])).answer == first.answer
    assert [len(system.said(kind)) for kind in (AppointmentBooked, AppointmentConfirmed)] == [1, 1]
    assert await events(system, held["id"]) == ["held", "confirmed"]
    assert await system.unsent() == 0


async def test_a_hold_is_over(system: System, day: dt.date) -> None:
    await system.set(hold_ttl_seconds=1)
    slot, patient = (await system.slots(day))[0], await system.patient()
    held, sweep = result_of(await system.hold(slot, patient)), sweep_job(system.runtimes["booking"].units)

    async def swept() -> bool:
        await sweep.work()
        return bool(system.said(AppointmentExpired))

    await eventually(swept)
    assert [len(system.said(kind)) for kind in (AppointmentExpired, SlotReleased)] == [1, 1]
    assert await is_free(system, slot)
    assert (await system.confirm(held["id"])).answer == Answer.refusal(Code.EXPIRED)
    assert result_of(await system.hold(slot, patient))["slot_id"] == slot["id"]
    assert await events(system, held["id"]) == ["held", "expired"]


async def test_an_appointment_is_moved_and_answered_when_its_old_place_is_free(system: System, day: dt.date) -> None:
    old, new, *_ = await system.slots(day)
    held = result_of(await system.hold(old, await system.patient()))
    move = system.moving(held, new)
    (reply,) = await system.send(BOOKING_COMMANDS, move)
    moved = result_of(reply)
    assert (reply.answer.status_code, moved["id"], moved["slot_id"], moved["status"]) == (200, held["id"], new["id"], "pending")
    assert (moved["expires_at"], moved["version"]) == (held["expires_at"], 2)
    assert moved == await system.get("booking", f"/appointments/{held['id']}")
    assert (await is_free(system, old), await is_free(system, new)) == (True, False)
    assert [len(system.said(kind)) for kind in (SlotReserved, AppointmentMoved, SlotReleased, SlotFreed)] == [2, 1, 1, 1]
    assert (await system.outcome(move.command_id))["settled_at"]
    (again,) = await system.send(BOOKING_COMMANDS, move)
    assert (again.answer, again.replayed) == (reply.answer, True)
    assert await events(system, held["id"]) == ["held", "moved"]


async def test_a_refused_move_leaves_the_appointment_where_it_is(system: System, day: dt.date) -> None:
    (first, second, *_), (other, *_), patient = await system.slots(day), await system.slots(day), await system.patient()
    await system.hold(first, patient)
    held = result_of(await system.hold(second, patient))
    refused = await system.move(held, other)
    assert refused.answer == Answer.refusal(Code.PATIENT_BUSY)
    assert [len(system.said(kind)) for kind in (AppointmentRefused, AppointmentMoved, SlotFreed)] == [1, 0, 1]
    assert await is_free(system, other), "answered when the new place is free again"
    assert (await system.move(held, first)).answer == Answer.refusal(Code.SLOT_TAKEN)
    assert held == await system.get("booking", f"/appointments/{held['id']}")
    assert (await system.move(held, second)).answer == Answer(status_code=200, result=held), "where it is already"


async def test_a_note_is_told_in_the_history_only(system: System, day: dt.date) -> None:
    slot, patient = (await system.slots(day))[0], await system.patient()
    held = result_of(await system.hold(slot, patient))
    cancellation = system.cancellation(held["id"], reason="ill")
    path = f"/internal/appointments/{held['id']}/notes/{cancellation.command_id}"
    for note in ("Has a cold.", "Another one."):
        assert (await system.http["booking"].put(path, json={"note": note})).is_success
    (reply,) = await system.send(APPOINTMENT_COMMANDS, cancellation)
    assert result_of(reply)["status"] == "cancelled"
    assert [(one["event"], one["reason"], one["note"]) for one in await system.history(held["id"])] == [
        ("held", None, None), ("cancelled", "ill", "Has a cold."),
    ]  # fmt: skip
    assert not [message for _, message in system.log if "cold" in message.model_dump_json()]
    assert await is_free(system, slot)
