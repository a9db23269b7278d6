"""The whole story of a visit: booked, cancelled, booked again, checked in, queued; and what each step leaves behind."""

import datetime as dt
from collections import defaultdict

from shared.contracts import internal
from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, PatientCheckedIn, SlotReleased
from shared.contracts.commands import Answer, CommandAnswered
from shared.contracts.problems import Code
from shared.contracts.queue import PatientQueued
from shared.contracts.topics import BOOKING_COMMANDS
from tests.flow.system import System, result_of


async def test_book_cancel_book_again_check_in_and_wait(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()

    reply = await system.book(doctor, patient, today)
    booked = result_of(reply)
    assert (reply.answer.status_code, booked["slot"], booked["status"], booked["version"]) == (201, 1, "booked", 1)
    assert booked == await system.get("booking", f"/appointments/{booked['id']}")
    assert await system.remaining(doctor, today) == 9

    reply = await system.cancel(booked["id"])
    cancelled = result_of(reply)
    assert (reply.answer.status_code, cancelled["status"], cancelled["version"]) == (200, "cancelled", 2)
    assert cancelled == await system.get("booking", f"/appointments/{booked['id']}")
    assert await system.remaining(doctor, today) == 10

    again = result_of(await system.book(doctor, patient, today))
    assert again["slot"] == 1, "the freed number is the lowest"
    assert again["id"] != booked["id"]

    reply = await system.check_in(again["id"], patient)
    waiting = result_of(reply)
    assert (reply.answer.status_code, waiting["position"], waiting["state"]) == (201, 1, "waiting")
    assert (await system.get("queue", f"/queues/{doctor}", date=today))["items"] == [waiting]
    shown = await system.get("booking", f"/appointments/{again['id']}")
    assert (shown["status"], shown["version"]) == ("checked_in", 2)


async def test_every_step_is_said_once_settled_and_published(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    first, second = system.booking(doctor, patient, today), system.booking(doctor, patient, today)
    one, two = [result_of(await system.answer(BOOKING_COMMANDS, command)) for command in (first, second)]
    cancelled, arrived = await system.cancel(one["id"]), await system.check_in(two["id"], patient)
    kinds = (SlotReserved, AppointmentBooked, AppointmentCancelled, SlotReleased, SlotFreed, PatientCheckedIn, PatientQueued)
    assert [len(system.said(kind)) for kind in kinds] == [2, 2, 1, 1, 1, 1, 1]
    assert len(system.said(CommandAnswered)) == 4
    for command in (first.command_id, second.command_id, cancelled.command_id, arrived.command_id):
        assert command is not None and (await system.outcome(command))["settled_at"]
    assert await system.unsent() == 0


async def test_messages_keep_clinic_correlation_cause_and_version(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    start = len(system.log)
    await system.cancel(result_of(await system.book(doctor, patient, today))["id"])
    log = [message for _, message in system.log[start:]]
    known = {message.message_id for message in log}
    versions = defaultdict(list)
    for message in log:
        assert message.clinic_id == system.clinic_id and message.command_id and message.reply_partition == 5
        assert message.causation_id in known or message.is_command
        assert message.correlation_id == next(
            m.correlation_id for m in log if m.is_command and m.command_id == message.command_id
        )
        if isinstance(message, AppointmentBooked | AppointmentCancelled):
            versions[message.appointment_id].append(message.version)
    assert list(versions.values()) == [[1, 2]]


async def test_positions_follow_the_check_ins(system: System, today: dt.date) -> None:
    doctor = await system.doctor()
    patients = [await system.patient() for _ in range(4)]
    booked = [result_of(await system.book(doctor, patient, today))["id"] for patient in patients]
    order = [2, 0, 3, 1]
    entries = [result_of(await system.check_in(booked[place], patients[place])) for place in order]
    assert [entry["position"] for entry in entries] == [1, 2, 3, 4]
    items = (await system.get("queue", f"/queues/{doctor}", date=today))["items"]
    assert [entry["patient_id"] for entry in items] == [patients[place] for place in order]


async def test_a_full_day_refuses_until_a_place_is_given_back(system: System, today: dt.date) -> None:
    day = today + dt.timedelta(days=1)
    doctor, patient = await system.doctor(capacity=2, date=day), await system.patient()
    first, second = [result_of(await system.book(doctor, patient, day)) for _ in range(2)]
    assert (first["slot"], second["slot"]) == (1, 2)
    assert (await system.book(doctor, patient, day)).answer == Answer.refusal(Code.FULL)
    await system.cancel(first["id"])
    assert result_of(await system.book(doctor, patient, day))["slot"] == 1
    assert await system.remaining(doctor, day) == 0


async def test_one_clinic_sees_nothing_of_another(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    booked = result_of(await system.book(doctor, patient, today))
    other = {internal.CLINIC: "00000000-0000-7000-8000-00000000dead"}
    for service, path in (
        ("availability", f"/doctors/{doctor}"), ("booking", f"/patients/{patient}"), ("booking", f"/appointments/{booked['id']}"),
    ):  # fmt: skip
        assert (await system.http[service].get(f"/internal{path}")).status_code == 200
        assert (await system.http[service].get(f"/internal{path}", headers=other)).status_code == 404


async def test_a_clinic_s_settings_reach_the_services_that_decide_by_them(system: System, today: dt.date) -> None:
    await system.set(default_daily_capacity=3, one_booking_per_patient_day=True)
    doctor, patient = await system.doctor(), await system.patient()
    assert result_of(await system.book(doctor, patient, today))["slot"] == 1
    assert (await system.book(doctor, patient, today)).answer == Answer.refusal(Code.PATIENT_BUSY)
    assert await system.remaining(doctor, today) == 2, "the place of the refused booking is free again"
