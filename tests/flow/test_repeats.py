"""One message, one effect: redelivered by Kafka, or said again under another id."""

from typing import Any

from shared.contracts.booking import AppointmentBooked, BookAppointment, SlotReleased
from shared.contracts.commands import CommandAnswered, CommandRepeated
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.ids import new_id
from tests.support.clinic import Clinic, problem_of, today
from tests.support.in_process import InProcess


async def test_a_repeated_command_is_answered_again_and_said_once(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    for key in ("a", "a"):
        assert (await clinic.book(doctor, patient, key=key)).status_code == 201
    assert await in_process.counts(AppointmentBooked) == [1]
    first, again = await in_process.said(CommandAnswered)
    assert (first.answer, first.replayed, again.replayed) == (again.answer, False, True)


async def test_everything_delivered_again_changes_nothing(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    one, two = [await clinic.booked(doctor, patient, today()) for _ in range(2)]
    await clinic.cancel(one["id"])
    await clinic.check_in(two["id"], patient)
    refused = await in_process.answer_to_another(BookAppointment, patient_id=new_id())
    assert not refused.answer.succeeded
    before, delivered = await day_as_read(clinic, doctor), await in_process.log()
    for topic, message in delivered:
        if not isinstance(message, CommandAnswered):
            await in_process.send(topic, message)
    assert await day_as_read(clinic, doctor) == before
    known = {message.message_id for _, message in delivered}
    new = {type(message) for _, message in await in_process.log() if message.message_id not in known}
    assert new == {CommandAnswered, CommandRepeated}


async def day_as_read(clinic: Clinic, doctor: str) -> list[Any]:
    """What clients could read of a doctor's day."""
    day = await clinic.get(f"/doctors/{doctor}/availability", date=today())
    return [day.json(), await clinic.appointments(doctor_id=doctor), await clinic.queue(doctor)]


async def test_a_release_said_again_after_its_place_was_taken_frees_nothing(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    await clinic.cancel((await clinic.booked(doctor, patient))["id"])
    await clinic.booked(doctor, await clinic.patient())
    (release,) = await in_process.said(SlotReleased)
    await in_process.send(APPOINTMENT_EVENTS, release.model_copy(update={"message_id": new_id()}))
    assert await clinic.remaining(doctor) == 0
    assert problem_of(await clinic.book(doctor, patient)) == (409, "full")
