"""How a booking ends when a step of it is missing: a question is answered, a failure reported, what never arrived is closed."""

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest
from httpx2 import AsyncClient

from services.booking.service.outcomes.failures import fail_own
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused, Purpose, ReservationKept, SlotReleased
from shared.contracts.commands import Answer, CommandFailed, Outcome, OverdueCommand
from shared.contracts.envelope import Message
from shared.infra import outcomes
from shared.infra.errors import Outrun, is_transient
from shared.infra.ids import new_id
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import cancel, check_in, freed, kept, move_of, questioned, refused, reserved
from tests.support.messages import caused
from tests.support.waiting import eventually

LONG_AGO = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=11)


def failed(of: Message, type_: str, *, first: bool = True) -> CommandFailed:
    """A service tells that a command of this type, or a later step of it, is a dead letter."""
    day: dict[str, Any] = {"doctor_id": uuid4(), "date": dt.date(2026, 3, 2)}
    return caused(CommandFailed, of, failed=type_, is_first_step=first, **day)


def overdue(clinic: UUID, **changes: Any) -> OverdueCommand:
    """A command as its ticket names it, long past its deadline."""
    fields = {
        "clinic_id": clinic, "command_id": uuid4(), "type": "BookAppointment", "principal": "open", "body_hash": "00",
        "accepted_at": LONG_AGO, "decide_by": LONG_AGO + dt.timedelta(minutes=10),
    }  # fmt: skip
    return OverdueCommand.model_validate(fields | changes)


async def close(client: AsyncClient, *commands: OverdueCommand) -> list[dict[str, Any]]:
    answer = await client.post("/internal/commands/close", json={"commands": [one.model_dump(mode="json") for one in commands]})
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["outcomes"]
    return found


# Questions


async def test_what_a_live_appointment_holds_is_kept(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(questioned(slot))
    assert result.types == ["ReservationKept"]
    (answer,) = result.of(ReservationKept)
    assert (answer.reservation_id, answer.slot_id, answer.key) == (slot.reservation_id, slot.slot_id, slot.key)


async def test_a_reservation_of_the_same_batch_is_kept(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    assert (await booking.deliver(slot, questioned(slot))).types == ["AppointmentBooked", "ReservationKept"]


async def test_a_reservation_that_never_arrived_is_released_and_its_command_lost(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    result = await booking.deliver(questioned(slot))
    assert result.types == ["SlotReleased"] and result.answers == [], "answered once the place is free"
    (release,) = result.of(SlotReleased)
    assert (release.reservation_id, release.answer and release.answer.code) == (slot.reservation_id, "lost")
    outcome = await booking.outcome(slot)
    assert outcome and (outcome.answer.code, outcome.settled_at) == ("lost", None)
    await booking.deliver(freed(slot, slot.command_id))
    settled = await booking.outcome(slot)
    assert settled and settled.settled_at


async def test_a_reservation_that_comes_after_its_question_is_given_back(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    await booking.deliver(questioned(slot))
    result = await booking.deliver(slot)
    assert result.types == ["SlotReleased"]
    assert await booking.row(slot) == {}


async def test_a_reservation_of_a_cancelled_appointment_is_released_and_its_outcome_stays(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.deliver(cancel(booking.clinic, slot.appointment_id))
    before = await booking.outcome(slot)
    result = await booking.deliver(questioned(slot))
    assert result.types == ["SlotReleased"]
    assert await booking.outcome(slot) == before and before and before.answer.status_code == 201


async def test_another_reservation_of_the_same_command_is_not_kept(booking: Booking) -> None:
    slot = await booking.booked()
    other = slot.model_copy(update={"reservation_id": new_id(), "slot_id": uuid4(), "appointment_id": new_id()})
    assert (await booking.deliver(questioned(other))).types == ["SlotReleased"]


# Failures


async def test_a_command_that_failed_elsewhere_is_refused_internal_and_answered(booking: Booking) -> None:
    command = reserved(booking.clinic, await booking.patient())
    result = await booking.deliver(failed(command, "BookAppointment"))
    assert (result.types, result.codes, result.answers[0].status_code) == ([], ["internal"], 500)
    outcome = await booking.outcome(command)
    assert outcome and (outcome.type, outcome.settled_at is not None) == ("BookAppointment", True)


@pytest.mark.parametrize("step", ["SlotReleased", "CommandRepeated", "PatientCheckedIn"])
async def test_a_failed_later_step_changes_no_decision(booking: Booking, step: str) -> None:
    slot = await booking.booked()
    command = cancel(booking.clinic, slot.appointment_id)
    await booking.deliver(command)
    before = await booking.outcome(command)
    assert before and before.settled_at is None
    result = await booking.deliver(failed(command, step, first=False))
    assert (result.types, result.answers) == ([], [])
    assert await booking.outcome(command) == before, "it waits for a redrive"


async def test_a_failure_never_changes_a_decision(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.deliver(failed(slot, "BookAppointment"))
    outcome = await booking.outcome(slot)
    assert outcome and outcome.answer.status_code == 201


async def fail(booking: Booking, message: Message) -> tuple[list[Message], list[str | None]]:
    """Booking could not process a message: what it emits and answers then."""
    async with booking.units.batch({booking.clinic}) as unit:
        await fail_own(unit, message)
        return [emitted for _, emitted in unit.emitted], [reply.answer.code for reply in unit.replies]


async def test_a_reservation_that_booking_cannot_process_is_refused_and_released(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    emitted, replies = await fail(booking, slot)
    assert [type(one) for one in emitted] == [AppointmentRefused] and replies == []
    outcome = await booking.outcome(slot)
    assert outcome and (outcome.answer.code, outcome.settled_at) == ("internal", None)


async def test_commands_that_booking_cannot_process_are_answered(booking: Booking) -> None:
    for message in (
        cancel(booking.clinic, uuid4()),
        check_in(booking.clinic, uuid4(), uuid4()),
        refused(booking.clinic, await booking.patient()),
    ):
        assert await fail(booking, message) == ([], ["internal"])
        outcome = await booking.outcome(message)
        assert outcome and outcome.settled_at
        assert await fail(booking, message) == ([], []), "a decision stays"


async def test_a_step_of_a_move_that_booking_cannot_process_ends_the_move(booking: Booking) -> None:
    slot = await booking.booked()
    moving, keeping = move_of(slot), kept(slot)
    ours: dict[str, Any] = {"purpose": Purpose.MOVE, "appointment_id": slot.appointment_id}
    refusing = refused(booking.clinic, slot.patient_id, **ours)
    emitted, replies = await fail(booking, moving)
    assert [type(one) for one in emitted] == [AppointmentRefused] and replies == []
    for step in (keeping, refusing):
        assert await fail(booking, step) == ([], ["internal"])
    for message in (moving, keeping, refusing):
        outcome = await booking.outcome(message)
        assert outcome and (outcome.type, outcome.answer.code) == ("RescheduleAppointment", "internal")
    assert (await booking.row(slot))["version"] == 1


async def test_a_command_of_a_type_that_nobody_knows_is_refused_too(booking: Booking) -> None:
    command = reserved(booking.clinic, await booking.patient())
    assert (await booking.deliver(failed(command, "ConfirmAppointment"))).codes == ["internal"]


async def test_another_body_under_the_key_of_what_failed_is_a_reused_key(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    await booking.deliver(failed(slot, "BookAppointment"))
    other = slot.model_copy(update={"body_hash": "11", "message_id": new_id()})
    result = await booking.deliver(other)
    (release,) = result.of(SlotReleased)
    assert release.answer and release.answer.code == "key_reused"
    cancelling = cancel(booking.clinic, uuid4(), command_id=slot.command_id, body_hash="11")
    assert (await booking.deliver(cancelling)).codes == ["key_reused"]


# Closing


async def test_what_never_arrived_is_closed_once(booking: Booking, client: AsyncClient) -> None:
    command = overdue(booking.clinic)
    first = await close(client, command)
    assert [(one["answer"]["code"], one["answer"]["status_code"]) for one in first] == [("lost", 409)]
    assert first[0]["settled_at"] and first == await close(client, command)


async def test_what_is_decided_is_not_closed_and_what_may_still_come_neither(booking: Booking, client: AsyncClient) -> None:
    slot = await booking.booked()
    decided = overdue(booking.clinic, command_id=slot.command_id)
    early = overdue(booking.clinic, decide_by=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=20))
    (known,) = await close(client, decided, early)
    assert known["answer"]["status_code"] == 201
    assert await close(client, early) == []


async def test_what_is_so_old_that_its_outcome_may_be_gone_is_not_closed(booking: Booking, client: AsyncClient) -> None:
    month_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=31)
    assert await close(client, overdue(booking.clinic, accepted_at=month_ago, decide_by=month_ago)) == []


async def test_what_comes_after_its_closing_is_given_back_and_answered_lost(booking: Booking, client: AsyncClient) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    assert slot.command_id
    await close(client, overdue(booking.clinic, command_id=slot.command_id))
    result = await booking.deliver(slot)
    assert result.types == ["SlotReleased"] and result.of(SlotReleased)[0].answer
    late = cancel(booking.clinic, uuid4(), command_id=slot.command_id)
    assert (await booking.deliver(late)).codes == ["lost"]


async def test_a_batch_that_decides_what_is_closed_meanwhile_is_tried_again(booking: Booking, client: AsyncClient) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    assert slot.command_id
    with pytest.raises(Outrun) as outrun:
        async with booking.units.batch({booking.clinic}) as unit:
            found = await outcomes.look(unit.connection, [(booking.clinic, slot.command_id)])
            assert found == {}
            await close(client, overdue(booking.clinic, command_id=slot.command_id))
            await outcomes.decide(unit.connection, [outcome(slot)])
    assert is_transient(outrun.value)


async def test_closing_waits_for_a_batch_that_is_about_to_decide(booking: Booking, client: AsyncClient) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    assert slot.command_id
    async with booking.batch(slot):
        closing = asyncio.ensure_future(close(client, overdue(booking.clinic, command_id=slot.command_id)))
        await waits_for_a_lock(booking)
    (known,) = await asyncio.wait_for(closing, 5)
    assert known["answer"]["status_code"] == 201


def outcome(slot: SlotReserved) -> Outcome:
    answer = Answer(status_code=201, result={})
    return outcomes.outcome_of(slot, "BookAppointment", answer, slot.occurred_at, settled=True)


async def waits_for_a_lock(booking: Booking) -> None:
    """Until some statement on outcomes waits for another transaction."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO outcomes%'"

    async def waits() -> bool:
        return bool(await booking.database.hot.fetchval(waiting))

    await eventually(waits)
