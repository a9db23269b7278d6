"""A client that does not wait can always find out what became of its command, and nobody else can."""

import asyncio
from urllib.parse import parse_qs, urlsplit
from uuid import uuid4

import pytest

from tests.support.clinic import Clinic, problem_of


async def test_respond_async_is_accepted_at_once_and_found_later(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    answer = await clinic.book(doctor, patient, Prefer="respond-async")
    assert (answer.status_code, answer.headers["preference-applied"]) == (202, "respond-async")
    accepted = answer.json()
    assert (accepted["type"], accepted["status"]) == ("BookAppointment", "running")
    command = await clinic.settled(answer.headers["location"])
    assert (command["status"], command["status_code"], command["command_id"]) == ("succeeded", 201, accepted["command_id"])
    assert await clinic.appointment(command["result"]["id"]) == command["result"]


async def test_a_refusal_is_found_as_its_problem(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    await clinic.booked(doctor, patient)
    answer = await clinic.book(doctor, patient, Prefer="respond-async")
    command = await clinic.settled(answer.headers["location"])
    assert (command["status"], command["status_code"], command["problem"]["code"]) == ("refused", 409, "full")


async def test_every_answer_names_its_command(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    for expected in ("succeeded", "refused"):
        answer = await clinic.book(doctor, patient)
        found = await clinic.get(f"/commands/{answer.headers['command-id']}")
        assert (found.status_code, found.json()["status"]) == (200, expected)


async def test_an_unknown_command_and_a_bad_ticket_are_404(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    answer = await clinic.book(doctor, patient, Prefer="respond-async")
    ticket = parse_qs(urlsplit(answer.headers["location"]).query)["ticket"][0]
    assert problem_of(await clinic.get(f"/commands/{uuid4()}", ticket=ticket)) == (404, "unknown_command")
    assert problem_of(await clinic.get(f"/commands/{uuid4()}", ticket="forged")) == (404, "unknown_command")


@pytest.mark.parametrize(("asked", "applied"), [("wait=10", "wait=10"), ("wait=99", "wait=30")])
async def test_the_wait_that_was_used_is_told(clinic: Clinic, asked: str, applied: str) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    answer = await clinic.book(doctor, patient, Prefer=asked)
    assert (answer.status_code, answer.headers["preference-applied"]) == (201, applied)


@pytest.mark.parametrize("asked", ["wait=soon", "wait", "wait=-1"])
async def test_a_bad_preference_is_400(clinic: Clinic, asked: str) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    assert problem_of(await clinic.book(doctor, patient, Prefer=asked)) == (400, "invalid_header")
    assert await clinic.remaining(doctor) == 1


async def test_who_repeats_while_it_runs_waits_for_the_same_outcome(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=5), await clinic.patient(), uuid4().hex
    accepted = await clinic.book(doctor, patient, key=key, Prefer="respond-async")
    answers = await asyncio.gather(*(clinic.book(doctor, patient, key=key) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert {answer.headers["command-id"] for answer in answers} == {accepted.json()["command_id"]}
    assert await clinic.remaining(doctor) == 4


@pytest.mark.parametrize("kind", ["patients", "doctors"])
async def test_a_registration_repeated_at_once_makes_one(clinic: Clinic, kind: str) -> None:
    key, mark = uuid4().hex, uuid4()
    body = {"name": f"N {mark}", **({"phone": f"+4479{mark.int % 10**8:08d}"} if kind == "patients" else {})}
    answers = await asyncio.gather(*(clinic.post(f"/{kind}", body, key) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert problem_of(await clinic.post(f"/{kind}", body | {"name": "Other"}, key)) == (422, "key_reused")


async def test_the_same_person_is_the_same_patient(clinic: Clinic) -> None:
    phone = f"+4479{uuid4().int % 10**8:08d}"
    body = {"name": "Maya  LIND", "phone": phone, "date_of_birth": "1990-04-12"}
    first = await clinic.post("/patients", body)
    again = await clinic.post("/patients", body | {"name": "maya lind"})
    assert (first.status_code, again.status_code) == (201, 200)
    assert first.json()["id"] == again.json()["id"]
    sibling = await clinic.post("/patients", body | {"name": "Noa Lind"})
    assert problem_of(sibling) == (409, "possible_duplicate")
    assert sibling.json()["candidates"] == [first.json()["id"]]
    assert (await clinic.post("/patients?on_duplicate=create", body | {"name": "Noa Lind"})).status_code == 201
