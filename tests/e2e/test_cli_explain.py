"""`frontdesk explain`: why a command was booked, refused, repeated or lost; by whatever id one has of it."""

import datetime as dt
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from deploy.embedded.services import Services
from deploy.inspect import kafka_log
from deploy.inspect.explain.databases import MAX_OUTBOX, OUTBOX
from tests.e2e.cli import Cli
from tests.support.clinic import Clinic, in_days, today
from tests.support.waiting import eventually


def told(command: dict[str, Any]) -> list[str]:
    """The steps as `service what`, in order."""
    return [f"{step['service']} {step['what']}" for step in command["steps"]]


async def explained(cli: Cli, name: str) -> dict[str, Any]:
    """The one command that an id names."""
    [command] = (await cli.json("explain", name, "--json"))["commands"]
    return dict(command)


async def test_a_booking_step_by_step_by_any_of_its_ids(cli: Cli, clinic: Clinic) -> None:
    doctor, patient, key, request = await clinic.doctor(capacity=1), await clinic.patient(), uuid4().hex, f"req-{uuid4()}"
    headers = {"Request-Id": request}
    booked = await clinic.book(doctor, patient, key=key, **headers)
    command = await explained(cli, key)
    assert (command["status"], command["status_code"], command["result"]["id"]) == ("succeeded", 201, booked.json()["id"])
    steps = told(command)
    in_order = [
        "gateway accepted BookAppointment", "gateway sent BookAppointment", "availability received BookAppointment",
        "availability slot_taken", "availability said SlotReserved", "booking received SlotReserved",
        "booking appointment_booked", "booking decided 201", "booking settled: answered from now on",
        "booking said AppointmentBooked",
    ]  # fmt: skip
    assert [step for step in steps if step in in_order] == in_order
    assert [step["at"] for step in command["steps"]] == sorted(step["at"] for step in command["steps"])
    for name in (command["command_id"], booked.json()["id"], request):
        assert (await explained(cli, name))["command_id"] == command["command_id"]
    text = await cli.text("explain", key)
    assert "slot_taken" in text and "number 1" in text and "+0.0 ms" in text


async def test_a_refusal_says_why_and_what_mends_it(cli: Cli, clinic: Clinic) -> None:
    doctor, key = await clinic.doctor(capacity=1), uuid4().hex
    one, other = await clinic.patients(2)
    await clinic.booked(doctor, one)
    assert (await clinic.book(doctor, other, key=key)).status_code == 409
    command = await explained(cli, key)
    assert (command["status"], command["code"]) == ("refused", "full")
    assert command["why"][0].startswith("409 full: The day is full.")
    assert "availability said BookingRefused" in told(command) and "booking command_refused" in told(command)


async def test_repeats_are_counted_with_their_times(cli: Cli, clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=2), await clinic.patient(), uuid4().hex
    for _ in range(3):
        assert (await clinic.book(doctor, patient, key=key)).status_code == 201
    assert (await clinic.book(doctor, await clinic.patient(), key=key)).status_code == 422
    command = await explained(cli, key)
    assert [one["same_body"] for one in command["repeats"]] == [True, True, False]
    steps = told(command)
    assert steps.count("gateway sent BookAppointment, the same again") == 2
    assert steps.count("gateway sent BookAppointment, the same key with another body") == 1
    assert steps.count("availability slot_taken") == 1
    assert steps.count("availability said CommandRepeated") == 2


async def test_an_appointment_tells_of_all_its_commands(cli: Cli, clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1, date=today()), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    assert (await clinic.check_in(booked["id"], patient)).status_code == 201
    commands = (await cli.json("explain", booked["id"], "--json"))["commands"]
    assert [command["type"] for command in commands] == ["BookAppointment", "CheckInPatient"]
    steps = told(commands[1])
    in_order = [
        "booking appointment_checked_in",
        "queue entry_queued",
        "queue said PatientQueued",
        "booking received PatientQueued",
    ]
    assert [step for step in steps if step in in_order] == in_order


async def test_a_hold_that_is_confirmed_and_moved_tells_its_story_by_any_of_its_ids(cli: Cli, clinic: Clinic) -> None:
    doctor, other, patient, request = await clinic.doctor(), await clinic.doctor(), await clinic.patient(), f"req-{uuid4()}"
    place = {"doctor_id": doctor, "patient_id": patient, "date": in_days(3)}
    held = (await clinic.post("/appointments", {**place, "confirm": False})).json()
    assert (await clinic.post(f"/appointments/{held['id']}/confirm")).status_code == 200
    to = {"doctor_id": other, "date": in_days(4)}
    moved = await clinic.post(f"/appointments/{held['id']}/reschedule", to, **{"Request-Id": request})
    assert moved.status_code == 200, moved.text
    story = await cli.json("explain", held["id"], "--json")
    commands = story["commands"]
    assert [one["type"] for one in commands] == ["BookAppointment", "ConfirmAppointment", "RescheduleAppointment"]
    assert any(line.startswith(f"It is held until {held['expires_at']}") for line in commands[0]["why"])
    assert "booking appointment_confirmed" in told(commands[1])
    in_order = [
        "availability slot_taken", "booking appointment_moved", "booking said AppointmentMoved", "availability slot_freed",
        "availability said SlotFreed", "booking settled: answered from now on",
    ]  # fmt: skip
    assert {*in_order} <= {*told(commands[2])}
    way = f"from {in_days(3)} with doctor {doctor} to number 1 of {in_days(4)} with doctor {other}"
    assert any(way in line for line in commands[2]["why"])
    assert not story["without_command"]["steps"]
    for name in (request, commands[2]["command_id"]):
        assert (await explained(cli, name))["command_id"] == commands[2]["command_id"]


async def test_a_hold_that_nobody_confirmed_is_told_by_the_key_of_its_booking(
    cli: Cli, clinic: Clinic, superuser: Callable[..., Any]
) -> None:
    key, place = uuid4().hex, {"doctor_id": await clinic.doctor(), "patient_id": await clinic.patient(), "date": in_days(3)}
    held = (await clinic.post("/appointments", {**place, "confirm": False}, key=key)).json()
    sql = await superuser("booking")
    for table, end, id_ in (("appointments", "expires_at", "id"), ("hold_timers", "due_at", "appointment_id")):
        await sql.execute(f"UPDATE {table} SET {end} = clock_timestamp() WHERE {id_} = $1", held["id"])

    async def given_back() -> bool:
        trail = await cli.json("explain", held["id"], "--json")
        return "availability slot_freed" in told(trail["without_command"])

    await eventually(given_back)
    for name in (key, held["id"]):
        without = (await cli.json("explain", name, "--json"))["without_command"]
        assert {"booking appointment_expired", "availability slot_freed"} <= {*told(without)}
        assert f"Appointment {held['id']} expired at " in without["why"][0]


async def test_a_command_that_never_arrived_was_lost(cli: Cli, stack: Services) -> None:
    command_id, now = str(uuid4()), dt.datetime.now(dt.UTC)
    [clinic_id] = (await cli.json("psql", "gateway", "-c", "SELECT id FROM clinics WHERE code = 'default'", "--json"))["rows"][0]
    overdue = {
        "clinic_id": clinic_id, "command_id": command_id, "type": "BookAppointment", "principal": "open", "body_hash": "aa",
        "accepted_at": (now - dt.timedelta(minutes=20)).isoformat(), "decide_by": (now - dt.timedelta(minutes=10)).isoformat(),
    }  # fmt: skip
    async with httpx2.AsyncClient(base_url=stack.url("booking")) as booking:
        (await booking.post("/internal/commands/close", json={"commands": [overdue]})).raise_for_status()
    command = await explained(cli, command_id)
    assert (command["status"], command["code"]) == ("refused", "lost")
    assert "booking command_closed" in told(command)
    assert any("its message is nowhere in the log" in line for line in command["why"]), command["why"]


async def test_a_command_that_nobody_has_decided_yet_is_running(cli: Cli, clinic: Clinic, stack: Services) -> None:
    doctor, patient, key = await clinic.doctor(capacity=1), await clinic.patient(), uuid4().hex
    stack["booking"].stop()
    try:
        assert (await clinic.book(doctor, patient, key=key, Prefer="respond-async")).status_code == 202

        async def reserved() -> bool:
            done = await cli.run("explain", key)
            return done.exit_code == 0 and "said SlotReserved" in done.stdout

        await eventually(reserved)
        command = await explained(cli, key)
        assert (command["status"], command["code"]) == ("running", None)
        assert command["why"] == ["Nobody has decided it yet."]
    finally:
        stack["booking"].start()


async def test_without_kafka_it_tells_what_the_databases_know(cli: Cli, clinic: Clinic, monkeypatch: pytest.MonkeyPatch) -> None:
    key = uuid4().hex
    assert (await clinic.book(await clinic.doctor(capacity=1), await clinic.patient(), key=key)).status_code == 201
    away = {"KAFKA_BOOTSTRAP_SERVERS": "127.0.0.1:1"}
    known = await cli.run("explain", key, **away)
    assert known.exit_code == 0 and "slot_taken" in known.stdout and "Kafka does not answer" in known.stdout
    unknown = await cli.run("explain", str(uuid4()), **away)
    assert unknown.exit_code == 4 and "127.0.0.1:1" in unknown.stderr
    monkeypatch.setattr(kafka_log, "SILENCE_SECONDS", -1.0)  # it answers, and gives no record
    silent = await cli.run("explain", key)
    assert silent.exit_code == 0 and "slot_taken" in silent.stdout and "Kafka gave no record" in silent.stdout


async def test_of_a_full_outbox_the_messages_of_the_command_are_read(superuser: Callable[..., Any]) -> None:
    sql, command = await superuser("booking"), str(uuid4())
    transaction = sql.transaction()
    await transaction.start()
    try:
        for body in ("another's", command):
            await sql.execute(
                "INSERT INTO outbox (message_id, clinic_id, correlation_id, topic, key, body) SELECT gen_random_uuid(),"
                " gen_random_uuid(), '', 't', '', convert_to($1, 'UTF8') FROM generate_series(1, 200)",
                body,
            )
        found = await sql.fetch(OUTBOX, command, MAX_OUTBOX)
        assert [row["body"] for row in found] == [command.encode()] * MAX_OUTBOX
    finally:
        await transaction.rollback()


async def test_what_nobody_knows(cli: Cli) -> None:
    for unknown in (str(uuid4()), "never-heard-of"):
        done = await cli.run("explain", unknown)
        assert done.exit_code == 3 and "nothing is known of" in done.stderr
