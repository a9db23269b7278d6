"""What each service refuses, with the code that wins, and that a refused command leaves nothing taken."""

import datetime as dt

import pytest

from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import AppointmentRefused
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.ids import new_id
from tests.flow.system import System, result_of

LATE = dt.timedelta(minutes=11)


async def booked(system: System, doctor: str, patient: str, date: dt.date) -> str:
    """The id of a new appointment."""
    appointment: str = result_of(await system.book(doctor, patient, date))["id"]
    return appointment


async def test_an_unknown_patient_takes_a_place_for_a_moment_only(system: System, today: dt.date) -> None:
    doctor = await system.doctor()
    refused = await system.book(doctor, str(new_id()), today)
    assert refused.answer == Answer.refusal(Code.UNKNOWN_PATIENT)
    assert [len(system.said(kind)) for kind in (SlotReserved, AppointmentRefused, SlotFreed)] == [1, 1, 1]
    assert await system.remaining(doctor, today) == 10
    assert refused.command_id is not None and (await system.outcome(refused.command_id))["settled_at"]


@pytest.mark.parametrize(("days", "code"), [(-1, Code.PAST_DATE), (401, Code.TOO_FAR)])
async def test_a_date_that_cannot_be_booked_is_refused(system: System, today: dt.date, days: int, code: Code) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    refused = await system.book(doctor, patient, today + dt.timedelta(days=days))
    assert refused.answer == Answer.refusal(code)
    assert system.said(SlotReserved) == []


async def test_an_unknown_doctor_and_an_absent_one_are_refused(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    await system.post("availability", f"/doctors/{doctor}/availability", {"date": str(today), "available": False})
    assert (await system.book(str(new_id()), patient, today)).answer == Answer.refusal(Code.UNKNOWN_DOCTOR)
    assert (await system.book(doctor, patient, today)).answer == Answer.refusal(Code.DOCTOR_ABSENT)


async def test_of_two_reasons_the_unknown_patient_wins_over_a_full_day(system: System, today: dt.date) -> None:
    doctor = await system.doctor(capacity=1, date=today)
    await booked(system, doctor, await system.patient(), today)
    assert (await system.book(doctor, str(new_id()), today)).answer == Answer.refusal(Code.UNKNOWN_PATIENT)


async def test_a_check_in_is_refused_for_the_reason_that_ranks_first(system: System, today: dt.date) -> None:
    doctor, patient, other = await system.doctor(), await system.patient(), await system.patient()
    now, later = await booked(system, doctor, patient, today), await booked(system, doctor, patient, today + dt.timedelta(days=1))
    gone = await booked(system, doctor, patient, today)
    await system.cancel(gone)
    for appointment, who, code in (
        (str(new_id()), patient, Code.UNKNOWN_APPOINTMENT),
        (later, other, Code.WRONG_PATIENT),
        (later, patient, Code.NOT_TODAY),
        (gone, patient, Code.CANCELLED),
    ):
        assert (await system.check_in(appointment, who)).answer == Answer.refusal(code)
    await system.check_in(now, patient)
    assert (await system.check_in(now, patient)).answer == Answer.refusal(Code.ALREADY_CHECKED_IN)
    assert len((await system.get("queue", f"/queues/{doctor}", date=today))["items"]) == 1


async def test_who_is_checked_in_cannot_be_cancelled(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    appointment = await booked(system, doctor, patient, today)
    await system.check_in(appointment, patient)
    assert (await system.cancel(appointment)).answer == Answer.refusal(Code.CHECKED_IN)
    assert (await system.cancel(str(new_id()))).answer == Answer.refusal(Code.UNKNOWN_APPOINTMENT)
    assert await system.remaining(doctor, today) == 9


async def test_a_command_past_its_deadline_changes_nothing(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    appointment = await booked(system, doctor, patient, today)
    late = Answer.refusal(Code.TOO_LATE)
    assert (await system.book(doctor, patient, today, age=LATE)).answer == late
    assert (await system.cancel(appointment, age=LATE)).answer == late
    assert (await system.check_in(appointment, patient, age=LATE)).answer == late
    assert await system.remaining(doctor, today) == 9
    assert (await system.get("booking", f"/appointments/{appointment}"))["version"] == 1
