"""A cancelled place is free the moment the client is told so."""

import asyncio
from uuid import uuid4

import pytest

from tests.e2e.desk import Desk, problem_of, today
from tests.support.rounds import rounds

ROUNDS = rounds(100)


@pytest.mark.slow
async def test_cancel_one_of_a_full_day_and_book_at_once(desk: Desk) -> None:
    doctor, patients = await desk.doctor(capacity=10), await desk.patients(10)
    answers = await asyncio.gather(*(desk.book(doctor, patient) for patient in patients))
    held = {answer.json()["slot"]: answer.json()["id"] for answer in answers}
    for number in range(ROUNDS):
        slot = number % 10 + 1
        cancelled = await desk.cancel(held[slot])
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        booked = await desk.book(doctor, patients[0])
        assert (booked.status_code, booked.json()["slot"]) == (201, slot), f"round {number}: {booked.text}"
        held[slot] = booked.json()["id"]
    assert await desk.live_slots(doctor) == list(range(1, 11))


async def test_cancelling_twice_answers_the_same_and_frees_once(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=1), await desk.patient()
    first = await desk.booked(doctor, patient)
    cancelled = await desk.cancel(first["id"])
    second = await desk.booked(doctor, patient)
    again = await desk.cancel(first["id"])
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert await desk.remaining(doctor) == 0
    assert (await desk.get(f"/appointments/{second['id']}")).json()["status"] == "booked"


async def test_cancelling_at_once_from_many_sides_is_one_cancellation(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=3), await desk.patient()
    booked = await desk.booked(doctor, patient)
    answers = await asyncio.gather(*(desk.cancel(booked["id"]) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["version"] == 2
    assert await desk.remaining(doctor) == 3


async def test_one_key_is_one_cancellation(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=3), await desk.patient(), uuid4().hex
    booked, other = await desk.booked(doctor, patient), await desk.booked(doctor, patient)
    first = await desk.cancel(booked["id"], key)
    again = await desk.cancel(booked["id"], key)
    assert first.json() == again.json()
    assert problem_of(await desk.cancel(other["id"], key)) == (422, "key_reused")
    assert (await desk.get(f"/appointments/{other['id']}")).json()["status"] == "booked"


async def test_delete_cancels_without_a_body(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=1), await desk.patient()
    booked = await desk.booked(doctor, patient)
    answer = await desk.delete(f"/appointments/{booked['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await desk.remaining(doctor) == 1


async def test_a_checked_in_appointment_is_not_cancelled(desk: Desk) -> None:
    doctor, patient = await desk.doctor(today(), capacity=1), await desk.patient()
    booked = await desk.booked(doctor, patient, today())
    assert (await desk.check_in(booked["id"], patient)).status_code == 201
    assert problem_of(await desk.cancel(booked["id"])) == (409, "checked_in")
    assert await desk.remaining(doctor, today()) == 0


async def test_an_unknown_appointment_is_not_there(desk: Desk) -> None:
    assert problem_of(await desk.cancel(str(uuid4()))) == (404, "unknown_appointment")
    assert problem_of(await desk.delete(f"/appointments/{uuid4()}")) == (404, "unknown_appointment")
    assert problem_of(await desk.get(f"/appointments/{uuid4()}")) == (404, "unknown_appointment")
