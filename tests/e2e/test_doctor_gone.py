"""A doctor who is deleted: refused with the list of what is booked, or all of it is cancelled, also what is on its way."""

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2

from tests.e2e.cli import Cli
from tests.support.clinic import Clinic, in_days, problem_of
from tests.support.waiting import eventually

DAYS = 5
BOOKINGS = 50


async def gone(clinic: Clinic, doctor: str) -> httpx2.Response:
    """Asks to delete a doctor with all that is booked."""
    return await clinic.delete(f"/doctors/{doctor}", cancel_appointments=True)


async def until_nothing_is_left(clinic: Clinic, doctor: str) -> int:
    """Repeats the deletion until it answers that nothing is left; how often it was asked."""
    for asked in range(1, 20):
        answer = await gone(clinic, doctor)
        if answer.status_code == 204:
            return asked
        assert answer.status_code == 202, answer.text
    raise AssertionError("appointments of a deleted doctor are left")


async def test_with_them_they_are_cancelled_and_the_places_gone(clinic: Clinic, cli: Cli, superuser: Callable[..., Any]) -> None:
    doctor, patients = await clinic.doctor(capacity=4), await clinic.patients(3)
    booked = [await clinic.booked(doctor, patient) for patient in patients]
    assert (await clinic.cancel(booked[2]["id"])).status_code == 200
    assert await until_nothing_is_left(clinic, doctor) == 1
    assert [one["status"] for one in await clinic.appointments(doctor_id=doctor)] == ["cancelled"] * 3
    assert (await clinic.get(f"/doctors/{doctor}")).json()["status"] == "deleted"
    assert problem_of(await clinic.book(doctor, patients[0])) == (404, "unknown_doctor")
    sql = await superuser("availability")
    await eventually(lambda: no_slots(sql, doctor))
    told = await cli.json("explain", booked[0]["id"], "--json")
    assert [command["type"] for command in told["commands"]] == ["BookAppointment"]
    [sentence] = told["without_command"]["why"]
    assert "was cancelled by the clinic" in sentence and "its doctor was deleted" in sentence
    steps = [f"{step['service']} {step['what']}" for step in told["without_command"]["steps"]]
    in_order = [
        "availability slot_revoked", "availability said SlotRevoked", "booking received SlotRevoked",
        "booking appointment_cancelled", "booking said AppointmentCancelled",
    ]  # fmt: skip
    assert [step for step in steps if step in in_order] == in_order
    found = json.loads((await cli.run("reconcile", "--dry-run", "--wait", "5", "--json")).stdout)["differences"]
    assert not [one for one in found if one["ids"].get("appointment_id") in {one["id"] for one in booked}]


async def no_slots(sql: Any, doctor: str) -> bool:
    """Whether availability has no place of a doctor's any more."""
    return not await sql.fetchval("SELECT count(*) FROM slots WHERE doctor_id = $1::text::uuid", doctor)


async def test_deleted_while_fifty_bookings_run(
    clinic: Clinic, superuser: Callable[..., Any], record_property: Callable[[str, object], None]
) -> None:
    """Whatever came through is cancelled, the rest finds no such doctor, and every command has one end."""
    doctor, patients, keys = await clinic.doctor(), await clinic.patients(10), [uuid4().hex for _ in range(BOOKINGS)]

    async def book(number: int) -> httpx2.Response:
        return await clinic.book(doctor, patients[number % 10], in_days(1 + number % DAYS), keys[number])

    running = [asyncio.ensure_future(book(number)) for number in range(BOOKINGS)]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    asked = await until_nothing_is_left(clinic, doctor)
    answers = await asyncio.gather(*running)
    ends = Counter(answer.status_code for answer in answers)
    record_property("bookings beside a deletion", f"{dict(ends)}, asked {asked} times")
    assert ends.keys() <= {201, 404}, ends
    assert await clinic.live(doctor_id=doctor) == []
    assert {one["status"] for one in await clinic.appointments(doctor_id=doctor)} <= {"cancelled"}
    assert len(await clinic.appointments(doctor_id=doctor)) == ends[201]
    sql = await superuser("availability")
    await eventually(lambda: no_slots(sql, doctor))
    for number, answer in enumerate(answers):
        await has_one_end(clinic, answer, await book(number))


async def test_a_booking_on_its_way_has_one_answer(clinic: Clinic, superuser: Callable[..., Any]) -> None:
    """Its place is taken, then its doctor deleted, and booking is still behind: the key is told of no end before there is one."""
    doctor, patient, key = await clinic.doctor(capacity=1), await clinic.patient(), uuid4().hex
    sql = await superuser("booking")
    async with sql.transaction():
        await sql.execute("SELECT FROM patients WHERE id = $1::text::uuid FOR UPDATE", patient)
        assert (await clinic.book(doctor, patient, key=key, Prefer="respond-async")).status_code == 202
        await eventually(lambda: _is_taken(clinic, doctor))
        for _ in clinic.clients:
            assert (await clinic.delete(f"/doctors/{doctor}", cancel_appointments=True, Prefer="wait=0")).status_code == 202
        for _ in clinic.clients:
            again = await clinic.book(doctor, patient, key=key, Prefer="respond-async")
            assert again.status_code == 202, again.text
    await until_nothing_is_left(clinic, doctor)
    booked = await clinic.book(doctor, patient, key=key)
    assert booked.status_code == 201, booked.text
    assert (await clinic.appointment(booked.json()["id"]))["status"] == "cancelled"


async def _is_taken(clinic: Clinic, doctor: str) -> bool:
    return await clinic.remaining(doctor) == 0


async def has_one_end(clinic: Clinic, first: httpx2.Response, again: httpx2.Response) -> None:
    """The key answers again what it answered, and the command's id tells the same."""
    if first.status_code == 201:
        assert (again.status_code, again.json()) == (201, first.json())
    else:
        assert problem_of(first) == problem_of(again) == (404, "unknown_doctor")
    assert first.headers["Command-Id"] == again.headers["Command-Id"]
    look = await clinic.get(f"/commands/{first.headers['Command-Id']}")
    if look.status_code == 404:  # a gateway knew already that the doctor is gone: nothing was sent
        assert first.status_code == 404
    else:
        assert (look.status_code, look.json()["status_code"]) == (200, first.status_code), look.text
