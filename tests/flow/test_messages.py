"""What the services say to each other at each step: once, with its cause, and all of it published."""

import datetime as dt
from collections import defaultdict
from uuid import UUID

import pytest

from shared.contracts import internal
from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentRefused,
    BookAppointment,
    CancelAppointment,
    CheckInPatient,
    PatientCheckedIn,
    SlotReleased,
)
from shared.contracts.commands import Answer, CommandAnswered
from shared.contracts.problems import Code
from shared.contracts.queue import PatientQueued
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.ids import new_id
from tests.support.clinic import Clinic, in_days, problem_of, today
from tests.support.in_process import REPLY_PARTITION, InProcess
from tests.support.waiting import eventually

DAY = in_days(3)
"""None of its slots has begun."""
LATE = dt.timedelta(minutes=11)


async def test_every_step_is_said_once_settled_and_published(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    one, two = [await clinic.booked(doctor, patient, today()) for _ in range(2)]
    await clinic.cancel(one["id"])
    await clinic.check_in(two["id"], patient)
    kinds = (SlotReserved, AppointmentBooked, AppointmentCancelled, SlotReleased, SlotFreed, PatientCheckedIn, PatientQueued)
    assert await in_process.counts(*kinds) == [2, 2, 1, 1, 1, 1, 1]
    replies = await in_process.said(CommandAnswered)
    assert len(replies) == 4
    for reply in replies:
        assert (await clinic.get(f"/commands/{reply.command_id}")).status_code == 200
    assert await in_process.unsent() == 0


async def test_messages_keep_clinic_correlation_cause_and_version(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    await clinic.cancel((await clinic.booked(doctor, patient))["id"])
    log = [message for topic, message in await in_process.log() if topic is not REGISTRY_EVENTS]
    known = {message.message_id for message in log}
    versions = defaultdict(list)
    for message in log:
        assert message.command_id and message.reply_partition == REPLY_PARTITION
        assert message.causation_id in known or message.is_command
        assert message.correlation_id == next(
            m.correlation_id for m in log if m.is_command and m.command_id == message.command_id
        )
        if isinstance(message, AppointmentBooked | AppointmentCancelled):
            versions[message.appointment_id].append(message.version)
    assert list(versions.values()) == [[1, 2]]


async def test_a_hold_and_its_confirmation_are_said_once(clinic: Clinic, in_process: InProcess) -> None:
    held = await clinic.held((await clinic.open_slots(await clinic.timed_doctor(), DAY))[1], await clinic.patient())
    first, again = [await clinic.confirm(held["id"]) for _ in range(2)]
    assert (first.status_code, again.json()) == (200, first.json())
    assert await in_process.counts(AppointmentBooked, AppointmentConfirmed) == [1, 1]
    assert await in_process.unsent() == 0


async def test_the_end_of_a_hold_is_said_once(clinic: Clinic, in_process: InProcess) -> None:
    slot, patient = (await clinic.open_slots(await clinic.timed_doctor(), DAY))[0], await clinic.patient()
    async with clinic.settings(hold_ttl_seconds=1):
        await eventually(lambda: are_told(in_process, hold_ttl_seconds=1))
        await clinic.held(slot, patient)
        await eventually(lambda: in_process.said(AppointmentExpired))
        assert await in_process.counts(AppointmentExpired, SlotReleased) == [1, 1]


async def are_told(in_process: InProcess, **settings: int) -> bool:
    """Whether these settings of the clinic were said. All services know them then: what is said is delivered when it is read."""
    return any(settings.items() <= dict(one.settings).items() for one in await in_process.said(ClinicChanged))


async def test_a_move_is_settled_when_its_old_place_is_free(clinic: Clinic, in_process: InProcess) -> None:
    old, new, *_ = await clinic.open_slots(await clinic.timed_doctor(), DAY)
    held = await clinic.held(old, await clinic.patient())
    moved = await clinic.move(held["id"], {"slot_id": new["id"]})
    assert moved.status_code == 200, moved.text
    assert await in_process.counts(SlotReserved, AppointmentMoved, SlotReleased, SlotFreed) == [2, 1, 1, 1]
    ends = [type(message) for _, message in await in_process.log() if isinstance(message, SlotFreed | CommandAnswered)]
    assert ends == [CommandAnswered, SlotFreed, CommandAnswered]
    assert (await clinic.get(f"/commands/{moved.headers['Command-Id']}")).status_code == 200


async def test_a_refused_move_gives_its_new_place_back(clinic: Clinic, in_process: InProcess) -> None:
    (first, second, *_), patient = await clinic.open_slots(await clinic.timed_doctor(), DAY), await clinic.patient()
    other, *_ = await clinic.open_slots(await clinic.timed_doctor(), DAY)
    await clinic.held(first, patient)
    held = await clinic.held(second, patient)
    assert problem_of(await clinic.move(held["id"], {"slot_id": other["id"]})) == (409, "patient_busy")
    assert other["id"] in {slot["id"] for slot in await clinic.open_slots(other["doctor_id"], DAY)}
    assert await in_process.counts(AppointmentRefused, AppointmentMoved, SlotFreed) == [1, 0, 1]
    assert problem_of(await clinic.move(held["id"], {"slot_id": first["id"]})) == (409, "slot_taken")
    where_it_is = await clinic.move(held["id"], {"slot_id": second["id"]})
    assert (where_it_is.status_code, where_it_is.json()) == (200, held) == (200, await clinic.appointment(held["id"]))
    assert await in_process.counts(AppointmentMoved) == [0]


async def test_a_note_is_in_no_message(clinic: Clinic, in_process: InProcess) -> None:
    booked = await clinic.booked(await clinic.doctor(), await clinic.patient())
    assert (await clinic.cancel(booked["id"], note="Has a cold.")).status_code == 200
    assert not [message for _, message in await in_process.log() if "cold" in message.model_dump_json()]


async def test_an_unknown_patient_takes_a_place_for_a_moment_only(clinic: Clinic, in_process: InProcess) -> None:
    doctor = await clinic.doctor()
    await clinic.booked(doctor, await clinic.patient())
    before = await in_process.counts(SlotReserved, AppointmentRefused, SlotFreed)
    refused = await in_process.answer_to_another(BookAppointment, patient_id=new_id())
    assert refused.answer == Answer.refusal(Code.UNKNOWN_PATIENT)
    after = await in_process.counts(SlotReserved, AppointmentRefused, SlotFreed)
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]
    assert await clinic.remaining(doctor) == 9
    assert (await clinic.get(f"/commands/{refused.command_id}")).status_code == 200
    (again,) = await in_process.redeliver(BookAppointment)
    assert (again.answer, again.replayed) == (refused.answer, True)


@pytest.mark.parametrize(("days", "code"), [(-1, "past_date"), (401, "too_far")])
async def test_a_date_that_cannot_be_booked_takes_no_place(clinic: Clinic, in_process: InProcess, days: int, code: str) -> None:
    refused = await clinic.book(await clinic.doctor(), await clinic.patient(), in_days(days))
    assert problem_of(refused) == (422, code)
    assert await in_process.said(SlotReserved) == []


async def test_who_is_not_there_is_refused_also_by_the_services(clinic: Clinic, in_process: InProcess) -> None:
    """A gateway refuses what it knows not to exist, and lets through what its owner cannot tell it now."""
    doctor = await clinic.doctor(capacity=1)
    await clinic.booked(doctor, await clinic.patient())
    assert problem_of(await clinic.book(doctor, await clinic.patient())) == (409, "full")
    no_patient = await in_process.answer_to_another(BookAppointment, patient_id=new_id())
    assert no_patient.answer == Answer.refusal(Code.UNKNOWN_PATIENT), "it ranks above the full day"
    no_doctor = await in_process.answer_to_another(BookAppointment, doctor_id=new_id())
    assert no_doctor.answer == Answer.refusal(Code.UNKNOWN_DOCTOR)


async def test_a_command_past_its_deadline_changes_nothing(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    cancelled, arrived, left = [await clinic.booked(doctor, patient, today()) for _ in range(3)]
    await clinic.cancel(cancelled["id"])
    await clinic.check_in(arrived["id"], patient)
    *_, last = await in_process.said(BookAppointment)
    late = {name: getattr(last, name) - LATE for name in ("occurred_at", "accepted_at", "decide_by")}
    for kind in (BookAppointment, CancelAppointment, CheckInPatient):
        fields = {} if kind is BookAppointment else {"appointment_id": UUID(left["id"])}
        refused = await in_process.answer_to_another(kind, **late, **fields)
        assert refused.answer == Answer.refusal(Code.TOO_LATE)
    assert await clinic.remaining(doctor, today()) == 8
    assert (await clinic.appointment(left["id"]))["version"] == 1


async def test_one_clinic_sees_nothing_of_another(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    for owner, path in (
        ("availability", f"/doctors/{doctor}"), ("booking", f"/patients/{patient}"), ("booking", f"/appointments/{booked['id']}"),
    ):  # fmt: skip
        for whose, status in ((in_process.clinic_id, 200), (new_id(), 404)):
            headers = {internal.CLINIC: str(whose), internal.ACTOR: "open", internal.PRINCIPAL: "open"}
            assert (await in_process.owners[owner].get(f"/internal{path}", headers=headers)).status_code == status
