"""Check-in gives positions in the order of arrival, once each, and only to who has an appointment today."""

import asyncio
from uuid import uuid4

from tests.support.clinic import Clinic, in_days, problem_of, today


async def test_positions_are_given_in_order(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(today(), capacity=10), await clinic.patients(4)
    booked = [await clinic.booked(doctor, patient, today()) for patient in patients]
    arrivals = [2, 0, 3, 1]
    for position, number in enumerate(arrivals, 1):
        answer = await clinic.check_in(booked[number]["id"], patients[number])
        assert answer.status_code == 201, answer.text
        entry = answer.json()
        assert (entry["position"], entry["state"], entry["appointment_id"]) == (position, "waiting", booked[number]["id"])
    waiting = [(entry["position"], entry["patient_id"]) for entry in await clinic.queue(doctor)]
    assert waiting == [(position, patients[number]) for position, number in enumerate(arrivals, 1)]
    assert (await clinic.appointment(booked[0]["id"]))["status"] == "checked_in"


async def test_a_second_check_in_is_refused(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(today(), capacity=2), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    answers = await asyncio.gather(*(clinic.check_in(booked["id"], patient) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409, 409]
    assert {problem_of(answer) for answer in answers if answer.status_code != 201} == {(409, "already_checked_in")}
    assert problem_of(await clinic.check_in(booked["id"], patient)) == (409, "already_checked_in")
    assert len(await clinic.queue(doctor)) == 1


async def test_a_check_in_is_refused_for_the_reason_that_ranks_first(clinic: Clinic) -> None:
    doctor, patient, other = await clinic.doctor(today(), capacity=2), await clinic.patient(), await clinic.patient()
    tomorrows = await clinic.booked(doctor, patient, in_days(1))
    todays = await clinic.booked(doctor, patient, today())
    assert problem_of(await clinic.check_in(tomorrows["id"], patient)) == (422, "not_today")
    for appointment in (tomorrows, todays):
        assert problem_of(await clinic.check_in(appointment["id"], other)) == (422, "wrong_patient")
    assert problem_of(await clinic.check_in(str(uuid4()), patient)) == (404, "unknown_appointment")
    assert (await clinic.cancel(todays["id"])).status_code == 200
    assert problem_of(await clinic.check_in(todays["id"], patient)) == (409, "cancelled")
    assert await clinic.queue(doctor) == []


async def test_each_doctor_has_a_queue_of_his_own(clinic: Clinic) -> None:
    patient = await clinic.patient()
    for _ in range(2):
        doctor = await clinic.doctor(today(), capacity=2)
        booked = await clinic.booked(doctor, patient, today())
        assert (await clinic.check_in(booked["id"], patient)).json()["position"] == 1
    assert problem_of(await clinic.get(f"/checkins/doctors/{uuid4()}/queue", date=today())) == (404, "unknown_doctor")
