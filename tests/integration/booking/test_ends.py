"""How a booking ends when a step of it is missing: a question is answered, a failure is told, what never arrived is closed."""

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
from tests.integration.booking.desk import Desk
from tests.support.messages import caused
from tests.support.waiting import eventually
from tests.unit.booking.messages import cancel, check_in, freed, kept, move_of, questioned, refused, reserved

LONG_AGO = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=11)


def failed(of: Message, type_: str, *, first: bool = True) -> CommandFailed:
    """A service tells that a command of this type, or a later step of it, is a dead letter."""
    day: dict[str, Any] = {"doctor_id": uuid4(), "date": dt.date(2026, 3, 2)}
    return caused(CommandFailed, of, failed=type_, is_first_step=first, **day)


def overdue(clinic: UUID, **changes: Any) -> OverdueCommand:
    """What a ticket says of a command, long past its deadline."""
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


async def test_what_a_live_appointment_holds_is_kept(desk: Desk) -> None:
    slot = await desk.booked()
    said = await desk.deliver(questioned(slot))
    assert said.types == ["ReservationKept"]
    (answer,) = said.of(ReservationKept)
    assert (answer.reservation_id, answer.slot_id, answer.key) == (slot.reservation_id, slot.slot_id, slot.key)


async def test_a_reservation_of_the_same_batch_is_kept(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    assert (await desk.deliver(slot, questioned(slot))).types == ["AppointmentBooked", "ReservationKept"]


async def test_a_reservation_that_never_arrived_is_released_and_its_command_lost(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    said = await desk.deliver(questioned(slot))
    assert said.types == ["SlotReleased"] and said.answers == [], "answered once the place is free"
    (release,) = said.of(SlotReleased)
    assert (release.reservation_id, release.answer and release.answer.code) == (slot.reservation_id, "lost")
    outcome = await desk.outcome(slot)
    assert outcome and (outcome.answer.code, outcome.settled_at) == ("lost", None)
    await desk.deliver(freed(slot, slot.command_id))
    settled = await desk.outcome(slot)
    assert settled and settled.settled_at


async def test_a_reservation_that_comes_after_its_question_is_given_back(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    await desk.deliver(questioned(slot))
    said = await desk.deliver(slot)
    assert said.types == ["SlotReleased"]
    assert await desk.row(slot) == {}


async def test_a_reservation_of_a_cancelled_appointment_is_released_and_its_outcome_stays(desk: Desk) -> None:
    slot = await desk.booked()
    await desk.deliver(cancel(desk.clinic, slot.appointment_id))
    before = await desk.outcome(slot)
    said = await desk.deliver(questioned(slot))
    assert said.types == ["SlotReleased"]
    assert await desk.outcome(slot) == before and before and before.answer.status_code == 201


async def test_another_reservation_of_the_same_command_is_not_kept(desk: Desk) -> None:
    slot = await desk.booked()
    other = slot.model_copy(update={"reservation_id": new_id(), "slot_id": uuid4(), "appointment_id": new_id()})
    assert (await desk.deliver(questioned(other))).types == ["SlotReleased"]


# Failures


async def test_a_command_that_failed_elsewhere_is_refused_internal_and_answered(desk: Desk) -> None:
    command = reserved(desk.clinic, await desk.patient())
    said = await desk.deliver(failed(command, "BookAppointment"))
    assert (said.types, said.codes, said.answers[0].status_code) == ([], ["internal"], 500)
    outcome = await desk.outcome(command)
    assert outcome and (outcome.type, outcome.settled_at is not None) == ("BookAppointment", True)


@pytest.mark.parametrize("step", ["SlotReleased", "CommandRepeated", "PatientCheckedIn"])
async def test_a_failed_later_step_changes_no_decision(desk: Desk, step: str) -> None:
    slot = await desk.booked()
    command = cancel(desk.clinic, slot.appointment_id)
    await desk.deliver(command)
    before = await desk.outcome(command)
    assert before and before.settled_at is None
    said = await desk.deliver(failed(command, step, first=False))
    assert (said.types, said.answers) == ([], [])
    assert await desk.outcome(command) == before, "it waits for a redrive"


async def test_a_failure_never_changes_a_decision(desk: Desk) -> None:
    slot = await desk.booked()
    await desk.deliver(failed(slot, "BookAppointment"))
    outcome = await desk.outcome(slot)
    assert outcome and outcome.answer.status_code == 201


async def fail(desk: Desk, message: Message) -> tuple[list[Message], list[str | None]]:
    """Booking could not process a message: what it says and answers then."""
    async with desk.units.batch({desk.clinic}) as unit:
        await fail_own(unit, message)
        return [said for _, said in unit.emitted], [reply.answer.code for reply in unit.replies]


async def test_a_reservation_that_booking_cannot_process_is_refused_and_released(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    said, replies = await fail(desk, slot)
    assert [type(one) for one in said] == [AppointmentRefused] and replies == []
    outcome = await desk.outcome(slot)
    assert outcome and (outcome.answer.code, outcome.settled_at) == ("internal", None)


async def test_commands_that_booking_cannot_process_are_answered(desk: Desk) -> None:
    for message in (
        cancel(desk.clinic, uuid4()),
        check_in(desk.clinic, uuid4(), uuid4()),
        refused(desk.clinic, await desk.patient()),
    ):
        assert await fail(desk, message) == ([], ["internal"])
        outcome = await desk.outcome(message)
        assert outcome and outcome.settled_at
        assert await fail(desk, message) == ([], []), "a decision stays"


async def test_a_step_of_a_move_that_booking_cannot_process_ends_the_move(desk: Desk) -> None:
    slot = await desk.booked()
    moving, keeping = move_of(slot), kept(slot)
    ours: dict[str, Any] = {"purpose": Purpose.MOVE, "appointment_id": slot.appointment_id}
    refusing = refused(desk.clinic, slot.patient_id, **ours)
    said, replies = await fail(desk, moving)
    assert [type(one) for one in said] == [AppointmentRefused] and replies == []
    for step in (keeping, refusing):
        assert await fail(desk, step) == ([], ["internal"])
    for message in (moving, keeping, refusing):
        outcome = await desk.outcome(message)
        assert outcome and (outcome.type, outcome.answer.code) == ("RescheduleAppointment", "internal")
    assert (await desk.row(slot))["version"] == 1


async def test_a_command_of_a_type_that_nobody_knows_is_refused_too(desk: Desk) -> None:
    command = reserved(desk.clinic, await desk.patient())
    assert (await desk.deliver(failed(command, "ConfirmAppointment"))).codes == ["internal"]


async def test_another_body_under_the_key_of_what_failed_is_a_reused_key(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    await desk.deliver(failed(slot, "BookAppointment"))
    other = slot.model_copy(update={"body_hash": "11", "message_id": new_id()})
    said = await desk.deliver(other)
    (release,) = said.of(SlotReleased)
    assert release.answer and release.answer.code == "key_reused"
    cancelling = cancel(desk.clinic, uuid4(), command_id=slot.command_id, body_hash="11")
    assert (await desk.deliver(cancelling)).codes == ["key_reused"]


# Closing


async def test_what_never_arrived_is_closed_once(desk: Desk, client: AsyncClient) -> None:
    command = overdue(desk.clinic)
    first = await close(client, command)
    assert [(one["answer"]["code"], one["answer"]["status_code"]) for one in first] == [("lost", 409)]
    assert first[0]["settled_at"] and first == await close(client, command)


async def test_what_is_decided_is_not_closed_and_what_may_still_come_neither(desk: Desk, client: AsyncClient) -> None:
    slot = await desk.booked()
    decided = overdue(desk.clinic, command_id=slot.command_id)
    early = overdue(desk.clinic, decide_by=dt.datetime.now(dt.UTC) - dt.timedelta(seconds=20))
    (known,) = await close(client, decided, early)
    assert known["answer"]["status_code"] == 201
    assert await close(client, early) == []


async def test_what_is_so_old_that_its_outcome_may_be_gone_is_not_closed(desk: Desk, client: AsyncClient) -> None:
    month_ago = dt.datetime.now(dt.UTC) - dt.timedelta(days=31)
    assert await close(client, overdue(desk.clinic, accepted_at=month_ago, decide_by=month_ago)) == []


async def test_what_comes_after_its_closing_is_given_back_and_answered_lost(desk: Desk, client: AsyncClient) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    assert slot.command_id
    await close(client, overdue(desk.clinic, command_id=slot.command_id))
    said = await desk.deliver(slot)
    assert said.types == ["SlotReleased"] and said.of(SlotReleased)[0].answer
    late = cancel(desk.clinic, uuid4(), command_id=slot.command_id)
    assert (await desk.deliver(late)).codes == ["lost"]


async def test_a_batch_that_decides_what_is_closed_meanwhile_is_tried_again(desk: Desk, client: AsyncClient) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    assert slot.command_id
    with pytest.raises(Outrun) as outrun:
        async with desk.units.batch({desk.clinic}) as unit:
            found = await outcomes.look(unit.connection, [(desk.clinic, slot.command_id)])
            assert found == {}
            await close(client, overdue(desk.clinic, command_id=slot.command_id))
            await outcomes.decide(unit.connection, [outcome(slot)])
    assert is_transient(outrun.value)


async def test_closing_waits_for_a_batch_that_is_about_to_decide(desk: Desk, client: AsyncClient) -> None:
    slot = reserved(desk.clinic, await desk.patient())
    assert slot.command_id
    async with desk.batch(slot):
        closing = asyncio.ensure_future(close(client, overdue(desk.clinic, command_id=slot.command_id)))
        await waits_for_a_lock(desk)
    (known,) = await asyncio.wait_for(closing, 5)
    assert known["answer"]["status_code"] == 201


def outcome(slot: SlotReserved) -> Outcome:
    answer = Answer(status_code=201, result={})
    return outcomes.outcome_of(slot, "BookAppointment", answer, slot.occurred_at, settled=True)


async def waits_for_a_lock(desk: Desk) -> None:
    """Until some statement on outcomes waits for another transaction."""
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%INTO outcomes%'"

    async def waits() -> bool:
        return bool(await desk.database.hot.fetchval(waiting))

    await eventually(waits)
