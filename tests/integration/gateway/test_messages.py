"""What owners are asked before a command is published: its slot, the appointment to move, the note to keep; and refusals."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest

from services.gateway.openapi.appointments import APPOINTMENT
from shared.contracts.commands import Answer
from shared.contracts.envelope import day_key
from shared.contracts.problems import Code
from tests.integration.gateway.conftest import API, BOOKED, CLINIC, Commands, FakeOwners, Process, Said, stored

SLOT, DOCTOR, PATIENT = (str(UUID(int=number)) for number in (21, 22, 23))
START = "2026-03-02T09:45:00+01:00"
FOUND = (200, {"slot_id": SLOT, "doctor_id": DOCTOR, "date": "2026-03-02"})
NO_SUCH_SLOT = (422, {"code": "no_such_slot"})
RESOLVE = "/internal/slots/resolve"
ID = str(APPOINTMENT.id)
MOVE = f"/appointments/{ID}/reschedule"
DONE = Answer(status_code=200, result={"id": ID})


def post(gateway: Process, path: str, body: Any, **headers: str) -> "asyncio.Task[httpx2.Response]":
    return asyncio.ensure_future(gateway.http.post(f"{API}{path}", json=body, headers={"Prefer": "wait=30", **headers}))


def asked_of(owners: FakeOwners, path: str) -> list[Any]:
    return [orjson.loads(request.content) for request in owners.requests if request.url.path == path]


async def refused(task: "asyncio.Task[httpx2.Response]") -> tuple[int, str]:
    answer = await task
    return answer.status_code, answer.json()["code"]


async def decide(commands: Commands, owners: FakeOwners, command: Any, answer: Answer) -> None:
    """Booking has the outcome as well: who has only just begun to listen may miss a reply, and polls a second later."""
    owners.outcomes = [stored(command).model_copy(update={"answer": answer})]
    await commands.reply(command, answer)


async def nothing_was_published(gateway: Process, commands: Commands) -> None:
    """The next command is one that is sent now."""
    task = gateway.book(Prefer="respond-async")
    _, command = await commands.next()
    assert str(command.command_id) == (await task).headers["Command-Id"]


@pytest.fixture
def calendar(owners: FakeOwners) -> FakeOwners:
    """Availability finds the slot, and booking the appointment."""
    owners.answers[RESOLVE] = FOUND
    owners.answers[f"/internal/appointments/{ID}"] = (200, APPOINTMENT.model_dump(mode="json"))
    return owners


@pytest.mark.parametrize(("named", "question"), [
    ({"slot_id": SLOT}, {"slot_id": SLOT}),
    ({"doctor_id": DOCTOR, "starts_at": START}, {"doctor_id": DOCTOR, "starts_at": "2026-03-02T08:45:00Z"}),
    (
        {"doctor_id": DOCTOR, "starts_at": START, "location_id": SLOT},
        {"doctor_id": DOCTOR, "starts_at": "2026-03-02T08:45:00Z", "location_id": SLOT},
    ),
])  # fmt: skip
async def test_a_named_slot_is_booked_on_its_doctors_day(
    gateway: Process, commands: Commands, calendar: FakeOwners, named: Any, question: Any
) -> None:
    asked = post(gateway, "/appointments", {"patient_id": PATIENT, "confirm": False, **named})
    key, command = await commands.next()
    assert key == day_key(CLINIC, UUID(DOCTOR), command.date)
    assert (str(command.slot_id), str(command.patient_id), command.confirm) == (SLOT, PATIENT, False)
    assert asked_of(calendar, RESOLVE) == [question]
    await decide(commands, calendar, command, BOOKED)
    assert (await asked).status_code == 201


async def test_a_day_needs_no_question(gateway: Process, commands: Commands, calendar: FakeOwners) -> None:
    task = gateway.book(Prefer="respond-async")
    _, command = await commands.next()
    assert (command.slot_id, command.confirm, asked_of(calendar, RESOLVE)) == (None, True, [])
    assert (await task).status_code == 202


async def test_a_slot_that_is_not_there_is_refused_behind_unknown_ids(
    gateway: Process, commands: Commands, owners: FakeOwners
) -> None:
    owners.answers[RESOLVE] = NO_SUCH_SLOT
    booking = {"patient_id": PATIENT, "slot_id": SLOT}
    assert await refused(post(gateway, "/appointments", booking)) == (422, "no_such_slot")
    owners.unknown = {str(nobody := uuid4())}
    assert await refused(post(gateway, "/appointments", {**booking, "patient_id": str(nobody)})) == (404, "unknown_patient")
    await nothing_was_published(gateway, commands)


async def test_a_repeat_is_answered_though_its_slot_is_gone(gateway: Process, commands: Commands, calendar: FakeOwners) -> None:
    booking, key = {"patient_id": PATIENT, "slot_id": SLOT}, {"Idempotency-Key": uuid4().hex}
    first = post(gateway, "/appointments", booking, **key)
    _, command = await commands.next()
    await decide(commands, calendar, command, BOOKED)
    await first
    calendar.answers[RESOLVE], calendar.outcomes = NO_SUCH_SLOT, [stored(command)]
    again = await post(gateway, "/appointments", booking, **key)
    assert (again.status_code, again.json(), again.headers["Idempotent-Replayed"]) == (201, BOOKED.result, "true")
    other = {"patient_id": PATIENT, "doctor_id": DOCTOR, "starts_at": START}
    assert await refused(post(gateway, "/appointments", other, **key)) == (422, "key_reused")


async def test_the_same_request_is_the_same_command_though_its_slot_is_another_now(
    gateway: Process, commands: Commands, calendar: FakeOwners
) -> None:
    booking, key = {"patient_id": PATIENT, "doctor_id": DOCTOR, "starts_at": START}, {"Idempotency-Key": uuid4().hex}
    sent = []
    for slot in (SLOT, str(uuid4())):
        calendar.answers[RESOLVE] = (200, {**FOUND[1], "slot_id": slot})
        task = post(gateway, "/appointments", booking, **key)
        _, command = await commands.next()
        await decide(commands, calendar, command, BOOKED)
        assert (await task).status_code == 201
        sent.append(command)
    assert len({command.message_id for command in sent}) == len({command.body_hash for command in sent}) == 1


@pytest.mark.parametrize("said", [(503, {"code": "unavailable"}), (500, {"code": "internal"})])
async def test_without_availability_nothing_is_accepted(
    gateway: Process, commands: Commands, owners: FakeOwners, said: Said
) -> None:
    owners.answers[RESOLVE] = said
    for headers in ({}, {"Idempotency-Key": uuid4().hex}):
        answer = await post(gateway, "/appointments", {"patient_id": PATIENT, "slot_id": SLOT}, **headers)
        assert (answer.status_code, answer.json()["code"]) == (503, "not_accepted")
        assert int(answer.headers["Retry-After"]) > 0
    owners.away = True
    assert await refused(post(gateway, "/appointments", {"patient_id": PATIENT, "slot_id": SLOT})) == (503, "not_accepted")
    await nothing_was_published(gateway, commands)


@pytest.mark.parametrize(("body", "doctor", "slot"), [
    ({"date": "2026-03-02"}, str(APPOINTMENT.doctor_id), "None"),
    ({"date": "2026-03-02", "doctor_id": DOCTOR}, DOCTOR, "None"),
    ({"slot_id": SLOT}, DOCTOR, SLOT),
    ({"starts_at": START}, DOCTOR, SLOT),
])  # fmt: skip
async def test_a_move_has_the_new_days_key_and_the_doctor_of_the_appointment(
    gateway: Process, commands: Commands, calendar: FakeOwners, body: Any, doctor: str, slot: str
) -> None:
    asked = post(gateway, MOVE, body)
    key, command = await commands.next()
    assert key == day_key(CLINIC, UUID(doctor), command.date)
    assert (command.type, str(command.slot_id)) == ("RescheduleAppointment", slot)
    assert (command.appointment_id, command.patient_id) == (APPOINTMENT.id, APPOINTMENT.patient_id)
    await decide(commands, calendar, command, DONE)
    answer = await asked
    assert (answer.status_code, answer.json(), "Location" in answer.headers) == (200, DONE.result, False)


async def test_the_start_of_a_move_is_looked_for_with_the_appointments_doctor(gateway: Process, calendar: FakeOwners) -> None:
    await post(gateway, MOVE, {"starts_at": START}, Prefer="respond-async")
    assert asked_of(calendar, RESOLVE) == [{"doctor_id": str(APPOINTMENT.doctor_id), "starts_at": "2026-03-02T08:45:00Z"}]


async def test_the_refusals_of_a_move_have_their_order(gateway: Process, commands: Commands, calendar: FakeOwners) -> None:
    """Doctor, appointment, slot; nothing is published of any."""
    calendar.answers[RESOLVE] = NO_SUCH_SLOT
    body, nobody = {"starts_at": START, "doctor_id": str(uuid4())}, (404, {"code": "unknown_appointment"})
    assert await refused(post(gateway, MOVE, body)) == (422, "no_such_slot")
    calendar.answers[f"/internal/appointments/{ID}"] = nobody
    assert await refused(post(gateway, MOVE, body)) == (404, "unknown_appointment")
    body["doctor_id"] = str(uuid4())
    calendar.unknown = {body["doctor_id"]}
    assert await refused(post(gateway, MOVE, body)) == (404, "unknown_doctor")
    calendar.answers[f"/internal/appointments/{ID}"] = (503, {"code": "unavailable"})
    assert await refused(post(gateway, MOVE, {"date": "2026-03-02"})) == (503, "not_accepted")
    await nothing_was_published(gateway, commands)


async def test_a_repeated_move_is_answered_though_its_appointment_is_gone(
    gateway: Process, commands: Commands, calendar: FakeOwners
) -> None:
    key = {"Idempotency-Key": uuid4().hex}
    first = post(gateway, MOVE, {"slot_id": SLOT}, **key)
    _, command = await commands.next()
    await decide(commands, calendar, command, DONE)
    await first
    for one in (ID, DOCTOR):
        calendar.answers[f"/internal/appointments/{one}"] = (404, {"code": "unknown_appointment"})
    calendar.outcomes = [stored(command).model_copy(update={"answer": DONE})]
    again = await post(gateway, MOVE, {"slot_id": SLOT}, **key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (200, "true")
    assert await refused(post(gateway, f"/appointments/{DOCTOR}/reschedule", {"slot_id": SLOT}, **key)) == (422, "key_reused")


@pytest.mark.parametrize("body", [None, {}])
async def test_a_confirmation_says_nothing_but_its_appointment(
    gateway: Process, commands: Commands, owners: FakeOwners, body: Any
) -> None:
    asked = post(gateway, f"/appointments/{ID}/confirm", body) if body is not None else asyncio.ensure_future(
        gateway.http.post(f"{API}/appointments/{ID}/confirm")
    )  # fmt: skip
    key, command = await commands.next()
    assert (command.type, key) == ("ConfirmAppointment", f"{CLINIC}:{ID}".encode())
    await decide(commands, owners, command, Answer.refusal(Code.EXPIRED))
    assert await refused(asked) == (409, "expired")


async def test_a_note_is_kept_before_its_cancellation_is_published_and_is_no_part_of_it(
    gateway: Process, commands: Commands, owners: FakeOwners
) -> None:
    path, body = f"/appointments/{ID}/cancel", {"reason": "ill", "note": "has a cold"}
    hashes = []
    for sent in (body, {"reason": "ill"}):
        asked = post(gateway, path, sent)
        _, command = await commands.next()
        hashes.append(command.body_hash)
        assert (command.reason, "cold" in command.model_dump_json()) == ("ill", False)
        if "note" in sent:
            assert asked_of(owners, f"/internal/appointments/{ID}/notes/{command.command_id}") == [{"note": "has a cold"}]
        await decide(commands, owners, command, DONE)
        assert (await asked).status_code == 200
    assert len(set(hashes)) == 2
    assert len([request for request in owners.requests if request.method == "PUT"]) == 1


async def test_a_note_that_cannot_be_kept_stops_its_cancellation(
    gateway: Process, commands: Commands, owners: FakeOwners
) -> None:
    owners.away = True
    assert await refused(post(gateway, f"/appointments/{ID}/cancel", {"note": "has a cold"})) == (503, "not_accepted")
    await nothing_was_published(gateway, commands)
