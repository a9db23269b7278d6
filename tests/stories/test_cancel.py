"""A cancelled appointment gives its place back, and who is checked in keeps it."""

from uuid import uuid4

from tests.support.clinic import Clinic, problem_of, today


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
