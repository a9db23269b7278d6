"""The whole story of a visit: booked, cancelled, booked again, checked in, queued."""

from tests.support.clinic import Clinic, today


async def test_book_cancel_book_again_check_in_and_wait(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    assert (booked["slot"], booked["status"], booked["version"]) == (1, "booked", 1)
    assert booked == await clinic.appointment(booked["id"])
    assert await clinic.remaining(doctor, today()) == 9

    answer = await clinic.cancel(booked["id"])
    cancelled = answer.json()
    assert (answer.status_code, cancelled["status"], cancelled["version"]) == (200, "cancelled", 2)
    assert cancelled == await clinic.appointment(booked["id"])
    assert await clinic.remaining(doctor, today()) == 10

    again = await clinic.booked(doctor, patient, today())
    assert again["slot"] == 1, "the freed number is the lowest"
    assert again["id"] != booked["id"]

    answer = await clinic.check_in(again["id"], patient)
    waiting = answer.json()
    assert (answer.status_code, waiting["position"], waiting["state"]) == (201, 1, "waiting")
    assert await clinic.queue(doctor) == [waiting]
    shown = await clinic.appointment(again["id"])
    assert (shown["status"], shown["version"]) == ("checked_in", 2)
