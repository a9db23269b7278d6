"""A service that is away for a while: what it owes is decided, not answered, and completed when it is back.

A client never meets its own change half done, and a repeat in between is answered by the service that replies last.
"""

import httpx2

from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import BookAppointment, CancelAppointment, CheckInPatient, PatientCheckedIn, SlotReleased
from shared.contracts.commands import CommandAnswered, CommandRepeated
from shared.contracts.queue import PatientQueued
from shared.infra.ids import new_id
from tests.support.clinic import Clinic, today
from tests.support.in_process import InProcess

NO_WAIT = {"Prefer": "respond-async"}


async def settled(clinic: Clinic, accepted: httpx2.Response) -> bool:
    """Whether clients are told how the command of a 202 ended."""
    assert accepted.status_code == 202, accepted.text
    told = await clinic.get(accepted.headers["Location"].removeprefix("/api/v1"))
    assert told.status_code in (200, 202), told.text
    return told.status_code == 200


def only(replies: list[CommandAnswered], status_code: int, *, replayed: bool) -> CommandAnswered:
    """The one reply, which is as expected."""
    (reply,) = replies
    assert (reply.answer.status_code, reply.replayed) == (status_code, replayed)
    return reply


async def test_a_check_in_while_the_queue_is_away_gets_its_position_later(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    with in_process.away("queue"):
        arrival = await clinic.check_in(booked["id"], patient, **NO_WAIT)
        assert await in_process.counts(CheckInPatient, CommandAnswered) == [1, 1], "the booking's reply"
        assert await in_process.redeliver(CheckInPatient) == [], "nobody can answer the repeat yet"
        assert not await settled(clinic, arrival)
    first = only(await in_process.redeliver(PatientCheckedIn), 201, replayed=False)
    assert first.answer.result is not None and first.answer.result["position"] == 1
    assert await settled(clinic, arrival)
    assert only(await in_process.redeliver(CommandRepeated), 201, replayed=True).answer == first.answer


async def test_a_repeated_check_in_is_answered_by_the_queue_until_booking_knows_the_position(
    clinic: Clinic, in_process: InProcess
) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(doctor, patient, today())
    with in_process.away("queue"):
        arrival = await clinic.check_in(booked["id"], patient, **NO_WAIT)
        await in_process.kafka.quiet()
    with in_process.away("booking"):
        first = only(await in_process.redeliver(PatientCheckedIn), 201, replayed=False)
    assert not await settled(clinic, arrival)
    assert only(await in_process.redeliver(CheckInPatient), 201, replayed=True).answer == first.answer
    assert await in_process.redeliver(PatientQueued) == []
    assert await settled(clinic, arrival)
    assert only(await in_process.redeliver(CheckInPatient), 201, replayed=True).answer == first.answer


async def test_a_cancellation_is_answered_when_its_place_is_free(clinic: Clinic, in_process: InProcess) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = await clinic.booked(doctor, patient)
    with in_process.away("availability"):
        cancellation = await clinic.cancel(booked["id"], **NO_WAIT)
        assert await in_process.counts(CancelAppointment, CommandAnswered) == [1, 1], "the booking's reply"
        assert await in_process.redeliver(CancelAppointment) == []
    assert not await settled(clinic, cancellation)
    with in_process.away("booking"):
        first = only(await in_process.redeliver(SlotReleased), 200, replayed=False)
    assert await clinic.remaining(doctor) == 10
    assert only(await in_process.redeliver(CommandRepeated), 200, replayed=True).answer == first.answer
    assert only(await in_process.redeliver(CancelAppointment), 200, replayed=True).answer == first.answer
    assert await in_process.redeliver(SlotFreed) == []
    assert await settled(clinic, cancellation)


async def test_a_refusal_after_a_reservation_is_answered_when_its_place_is_free(clinic: Clinic, in_process: InProcess) -> None:
    doctor = await clinic.doctor()
    await clinic.booked(doctor, await clinic.patient())
    booking = await in_process.another(BookAppointment, patient_id=new_id())
    with in_process.away("booking"):
        assert await in_process.send(*booking) == []
        assert await in_process.send(*booking) == [], "what nobody has decided is answered when it is"
    assert await clinic.remaining(doctor) == 8
    refused = only(await in_process.redeliver(SlotReserved), 404, replayed=False)
    assert (await clinic.get(f"/commands/{refused.command_id}")).status_code == 200
    assert await clinic.remaining(doctor) == 9
    only(await in_process.send(*booking), 404, replayed=True)
