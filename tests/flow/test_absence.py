"""A service that is away for a while: what it owes is decided, not answered, and completed when it is back.

A client never meets its own change half done, and a repeat in between is answered by the service that replies last.
"""

import datetime as dt

from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import PatientCheckedIn, SlotReleased
from shared.contracts.commands import CommandAnswered, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS
from shared.infra.ids import new_id
from tests.flow.system import System, result_of


async def settled(system: System, command: Message) -> bool:
    """Whether clients are answered from the command's outcome."""
    assert command.command_id is not None
    return (await system.outcome(command.command_id))["settled_at"] is not None


def only(replies: list[CommandAnswered], status_code: int, *, replayed: bool) -> CommandAnswered:
    """The one reply, which is as expected."""
    (reply,) = replies
    assert (reply.answer.status_code, reply.replayed) == (status_code, replayed)
    return reply


async def test_a_check_in_while_the_queue_is_away_gets_its_position_later(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    arrival = system.arrival(result_of(await system.book(doctor, patient, today))["id"], patient)
    with system.away("queue"):
        assert await system.send(APPOINTMENT_COMMANDS, arrival) == []
        assert await system.send(APPOINTMENT_COMMANDS, arrival) == [], "nobody can answer the repeat yet"
        assert not await settled(system, arrival)
    first = only(await system.redeliver(PatientCheckedIn), 201, replayed=False)
    assert result_of(first)["position"] == 1
    assert await settled(system, arrival)
    assert only(await system.redeliver(CommandRepeated), 201, replayed=True).answer == first.answer


async def test_a_repeated_check_in_is_answered_by_the_queue_until_booking_knows_the_position(
    system: System, today: dt.date
) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    arrival = system.arrival(result_of(await system.book(doctor, patient, today))["id"], patient)
    with system.away("queue"):
        await system.send(APPOINTMENT_COMMANDS, arrival)
    with system.away("booking"):
        first = only(await system.redeliver(PatientCheckedIn), 201, replayed=False)
    assert not await settled(system, arrival)
    assert only(await system.send(APPOINTMENT_COMMANDS, arrival), 201, replayed=True).answer == first.answer
    assert await system.redeliver(PatientQueued) == []
    assert await settled(system, arrival)
    assert only(await system.send(APPOINTMENT_COMMANDS, arrival), 201, replayed=True).answer == first.answer


async def test_a_cancellation_is_answered_when_its_place_is_free(system: System, today: dt.date) -> None:
    doctor, patient = await system.doctor(), await system.patient()
    cancellation = system.cancellation(result_of(await system.book(doctor, patient, today))["id"])
    with system.away("availability"):
        assert await system.send(APPOINTMENT_COMMANDS, cancellation) == []
        assert await system.send(APPOINTMENT_COMMANDS, cancellation) == []
    assert not await settled(system, cancellation)
    with system.away("booking"):
        first = only(await system.redeliver(SlotReleased), 200, replayed=False)
    assert await system.remaining(doctor, today) == 10
    assert only(await system.redeliver(CommandRepeated), 200, replayed=True).answer == first.answer
    assert only(await system.send(APPOINTMENT_COMMANDS, cancellation), 200, replayed=True).answer == first.answer
    assert await system.redeliver(SlotFreed) == []
    assert await settled(system, cancellation)


async def test_a_refusal_after_a_reservation_is_answered_when_its_place_is_free(system: System, today: dt.date) -> None:
    booking = system.booking(await system.doctor(), str(new_id()), today)
    with system.away("booking"):
        assert await system.send(BOOKING_COMMANDS, booking) == []
        assert await system.send(BOOKING_COMMANDS, booking) == [], "what nobody has decided is answered when it is"
    assert await system.remaining(str(booking.doctor_id), today) == 9
    only(await system.redeliver(SlotReserved), 404, replayed=False)
    assert await settled(system, booking)
    assert await system.remaining(str(booking.doctor_id), today) == 10
    only(await system.send(BOOKING_COMMANDS, booking), 404, replayed=True)
