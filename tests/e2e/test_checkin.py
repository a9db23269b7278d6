"""Check-ins that come at once get positions one by one, over two gateways."""

import asyncio
from uuid import uuid4

from tests.support.clinic import Clinic, today


async def test_ten_at_once_get_one_to_ten(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(today(), capacity=10), await clinic.patients(10)
    booked = await asyncio.gather(*(clinic.booked(doctor, patient, today()) for patient in patients))
    answers = await asyncio.gather(*(clinic.check_in(one["id"], one["patient_id"]) for one in booked))
    assert sorted(answer.json()["position"] for answer in answers) == list(range(1, 11))
    told = sorted((answer.json()["position"], answer.json()["patient_id"]) for answer in answers)
    assert [(entry["position"], entry["patient_id"]) for entry in await clinic.queue(doctor)] == told


async def test_one_key_is_one_check_in_with_its_position(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(today(), capacity=2), await clinic.patient(), uuid4().hex
    booked = await clinic.booked(doctor, patient, today())
    answers = await asyncio.gather(*(clinic.check_in(booked["id"], patient, key) for _ in range(10)))
    answers.append(await clinic.check_in(booked["id"], patient, key))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.text for answer in answers} == {answers[0].text}
    assert answers[0].json()["position"] == 1
    assert answers[-1].headers["idempotent-replayed"] == "true"
