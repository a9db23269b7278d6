"""One command, one effect, one answer: repeated by its client, redelivered by Kafka, or said again under another id."""

import datetime as dt
from typing import Any

import pytest

from shared.contracts.booking import AppointmentBooked, SlotReleased
from shared.contracts.commands import Answer, CommandAnswered, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_COMMANDS, APPOINTMENT_EVENTS, BOOKING_COMMANDS, Topic
from shared.infra.ids import new_id
from tests.flow.system import System, result_of


async def again(system: System, topic: Topic, command: Message, first: CommandAnswered) -> None:
    """A repeat gets the first answer, marked as stored."""
    assert not first.replayed
    repeat = await system.answer(topic, command)
    assert (repeat.answer, repeat.replayed) == (first.answer, True)


async def test_a_repeated_command_is_answered_again_and_has_one_effect(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    booking = system.booking(doctor, patient, today, key="a")
    booked = await system.answer(BOOKING_COMMANDS, booking)
    await again(system, BOOKING_COMMANDS, booking, booked)
    arrival = system.arrival(result_of(booked)["id"], patient, key="b")
    await again(system, APPOINTMENT_COMMANDS, arrival, await system.answer(APPOINTMENT_COMMANDS, arrival))
    await again(system, BOOKING_COMMANDS, booking, booked)
    assert await system.remaining(doctor, today) == 9
    assert len(system.said(AppointmentBooked)) == 1
    assert len((await system.get("queue", f"/queues/{doctor}", date=today))["items"]) == 1


async def test_a_repeated_cancellation_and_a_second_one_are_answered_alike(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    booked = result_of(await system.book(doctor, patient, today))
    cancellation = system.cancellation(booked["id"], key="c")
    cancelled = await system.answer(APPOINTMENT_COMMANDS, cancellation)
    await again(system, APPOINTMENT_COMMANDS, cancellation, cancelled)
    second = await system.cancel(booked["id"])
    assert (second.answer, second.replayed) == (cancelled.answer, False), "a new command, the same body"
    assert await system.remaining(doctor, today) == 10


@pytest.mark.parametrize("reason", ["unknown patient", "past date"])
async def test_a_repeated_refusal_is_the_same_refusal(system: System, today: dt.date, reason: str) -> None:
    doctor = await system.doctor()
    patient = str(new_id()) if reason == "unknown patient" else await system.patient()
    booking = system.booking(doctor, patient, today - dt.timedelta(days=reason == "past date"), key="d")
    refused = await system.answer(BOOKING_COMMANDS, booking)
    assert refused.answer.code is not None
    await again(system, BOOKING_COMMANDS, booking, refused)


async def test_a_key_with_another_body_is_refused_and_has_no_effect(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    first = await system.book(doctor, patient, today, key="e")
    other = await system.book(doctor, patient, today + dt.timedelta(days=1), key="e")
    assert other.answer == Answer.refusal(Code.KEY_REUSED)
    assert first.command_id is not None and (await system.outcome(first.command_id))["answer"]["status_code"] == 201
    assert await system.remaining(doctor, today + dt.timedelta(days=1)) == 10


async def test_everything_delivered_again_changes_nothing(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    one, two = [result_of(await system.book(doctor, patient, today)) for _ in range(2)]
    await system.cancel(one["id"])
    await system.check_in(two["id"], patient)
    await system.book(doctor, str(new_id()), today)
    before, delivered = await state(system, doctor, today), list(system.log)
    for topic, message in delivered:
        if not isinstance(message, CommandAnswered):
            await system.send(topic, message)
    assert await state(system, doctor, today) == before
    known = {message.message_id for _, message in delivered}
    assert {type(message) for _, message in system.log if message.message_id not in known} == {CommandAnswered, CommandRepeated}


async def state(system: System, doctor: str, date: dt.date) -> list[Any]:
    """What clients could read of a doctor's day."""
    return [
        await system.get("availability", f"/doctors/{doctor}/availability", date=date),
        await system.get("booking", "/appointments", doctor_id=doctor),
        await system.get("queue", f"/queues/{doctor}", date=date),
    ]


async def test_a_release_said_again_after_its_place_was_taken_frees_nothing(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(capacity=1, date=today), await system.patient()
    booked = result_of(await system.book(doctor, patient, today))
    await system.cancel(booked["id"])
    await system.book(doctor, await system.patient(), today)
    (release,) = system.said(SlotReleased)
    await system.send(APPOINTMENT_EVENTS, release.model_copy(update={"message_id": new_id()}))
    assert await system.remaining(doctor, today) == 0
    assert (await system.book(doctor, patient, today)).answer == Answer.refusal(Code.FULL)
