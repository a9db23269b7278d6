"""A cancelled place is free the moment the client is told so, and cancelled once, over two gateways."""

import asyncio

import pytest

from tests.support.clinic import Clinic
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


async def test_cancelling_at_once_from_many_sides_is_one_cancellation(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=3), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    answers = await asyncio.gather(*(clinic.cancel(booked["id"]) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert answers[0].json()["version"] == 2
    assert await clinic.remaining(doctor) == 3
