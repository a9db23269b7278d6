"""A cancelled place is free the moment the client is told so."""

import asyncio
from uuid import uuid4

import pytest

from tests.support.clinic import Clinic, problem_of, today
from tests.support.rounds import rounds

ROUNDS = rounds(100)


@pytest.mark.slow
async def test_cancel_one_of_a_full_day_and_book_at_once(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(capacity=10), await clinic.patients(10)
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in patients))
    held = {answer.json()["slot"]: answer.json()["id"] for answer in answers}
    for number in range(ROUNDS):
        slot = number % 10 + 1
        cancelled = await clinic.cancel(held[slot])
        assert (cancelled.status_code, cancelled.json()["status"]) == (200, "cancelled")
        booked = await clinic.book(doctor, patients[0])
        assert (booked.status_code, booked.json()["slot"]) == (201, slot), f"round {number}: {booked.text}"
        held[slot] = booked.json()["id"]
    assert await clinic.live_slots(doctor) == list(range(1, 11))


async def test_cancelling_twice_answers_the_same_and_frees_once(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    first = await clinic.booked(doctor, patient)
    cancelled = await clinic.cancel(first["id"])
    second = await clinic.booked(doctor, patient)
    again = await clinic.cancel(first["id"])
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert await clinic.remaining(doctor) == 0
    assert (await clinic.get(f"/appointments/{second['id']}")).json()["status"] == "booked"


async def test_cancelling_at_once_from_many_sides_is_one_cancellation(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=3), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    answers = await asyncio.gather(*(clinic.cancel(booked["id"]) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["version"] == 2
    assert await clinic.remaining(doctor) == 3


async def test_one_key_is_one_cancellation(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=3), await clinic.patient(), uuid4().hex
    booked, other = await clinic.booked(doctor, patient), await clinic.booked(doctor, patient)
    first = await clinic.cancel(booked["id"], key)
    again = await clinic.cancel(booked["id"], key)
    assert first.json() == again.json()
    assert problem_of(await clinic.cancel(other["id"], key)) == (422, "key_reused")
    assert (await clinic.get(f"/appointments/{other['id']}")).json()["status"] == "booked"


async def test_delete_cancels_without_a_body(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    answer = await clinic.delete(f"/appointments/{booked['id']}")
    assert (answer.status_code, answer.content) == (204, b"")
    assert await clinic.remaining(doctor) == 1


async def test_a_checked_in_appointment_is_not_cancelled(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(today(), capacity=1), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    assert (await clinic.check_in(booked["id"], patient)).status_code == 201
    assert problem_of(await clinic.cancel(booked["id"])) == (409, "checked_in")
    assert await clinic.remaining(doctor, today()) == 0


async def test_an_unknown_appointment_is_not_there(clinic: Clinic) -> None:
    assert problem_of(await clinic.cancel(str(uuid4()))) == (404, "unknown_appointment")
    assert problem_of(await clinic.delete(f"/appointments/{uuid4()}")) == (404, "unknown_appointment")
    assert problem_of(await clinic.get(f"/appointments/{uuid4()}")) == (404, "unknown_appointment")
