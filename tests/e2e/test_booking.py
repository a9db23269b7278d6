"""Bookings that cannot collide, over two gateways and two availability processes."""

import asyncio
from uuid import uuid4

import httpx2

from deploy.embedded.services import Services
from tests.e2e.metrics import counter
from tests.support.clinic import Clinic, in_days, problem_of
from tests.support.waiting import eventually

TEN = list(range(1, 11))


def slots_of(answers: list[httpx2.Response]) -> list[int]:
    """Numbers of the successes, in order."""
    return sorted(answer.json()["slot"] for answer in answers if answer.status_code == 201)


async def test_thirty_at_once_on_a_day_of_ten(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(capacity=10), await clinic.patients(30)
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in patients))
    assert slots_of(answers) == TEN
    refused = [problem_of(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "full")] * 20
    assert await clinic.remaining(doctor) == 0
    assert await clinic.live_slots(doctor) == TEN


async def test_one_slot_for_many_is_somebodys(clinic: Clinic) -> None:
    doctor, patients = await clinic.timed_doctor(), await clinic.patients(8)
    slot = (await clinic.open_slots(doctor, in_days(3)))[0]
    answers = await asyncio.gather(*(clinic.take(slot, patient) for patient in patients))
    assert sorted(answer.status_code for answer in answers) == [201, *[409] * 7]
    assert {problem_of(answer) for answer in answers if answer.is_error} == {(409, "slot_taken")}


async def test_unknown_patients_take_no_place_from_real_ones(clinic: Clinic) -> None:
    doctor, real = await clinic.doctor(capacity=10), await clinic.patients(10)
    strangers = [str(uuid4()) for _ in range(30)]
    asked = [patient for four in zip(*[iter(strangers)] * 3, real, strict=True) for patient in four]
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in asked))
    assert slots_of(answers) == TEN
    assert [problem_of(answer) for answer in answers if answer.status_code != 201] == [(404, "unknown_patient")] * 30


async def test_one_key_fifty_times_at_once(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    answers = await asyncio.gather(*(clinic.book(doctor, patient, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await clinic.remaining(doctor) == 9
    assert len(await clinic.live_slots(doctor)) == 1


async def test_a_change_is_counted_by_the_metrics_of_who_made_it(clinic: Clinic, stack: Services) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    before = await counter(stack, "frontdesk_messages_total", ["booking"])
    await clinic.booked(doctor, patient)

    async def counted() -> bool:
        return await counter(stack, "frontdesk_messages_total", ["booking"]) > before

    await eventually(counted)
