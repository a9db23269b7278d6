"""A command's way through the gateway: what is produced, what is answered, and what a failing part changes."""

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from services.gateway.commands.command import Build, Command
from services.gateway.commands.submit import Rotation
from services.gateway.commands.waiters import Answered
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.kafka.publisher import NotAccepted, Unconfirmed
from shared.infra.problems import ProblemError
from tests.unit.gateway.parts import BOOKED, DOCTOR, PATIENT, Parts, booked_by, booking, outcome_of, until

KEY_REUSED = Answered(Answer.refusal(Code.KEY_REUSED))


async def refusal(parts: Parts, key: str | None = None, body_hash: str = "a") -> Code:
    with pytest.raises(ProblemError) as refused:
        await parts.commands.submit(booking(key, body_hash), 1)
    return refused.value.code


async def test_the_reply_is_the_answer() -> None:
    parts, command = Parts(), booking()
    parts.producer.then = lambda: parts.reply(command)
    assert await parts.commands.submit(command, 1) == BOOKED
    assert len(parts.waiters) == 0
    (record,) = parts.producer.sent
    message = BookAppointment.model_validate_json(record.body)
    assert (message.command_id, message.reply_partition, message.body_hash) == (command.command_id, 7, "a")
    assert (message.accepted_at, message.decide_by) == (command.accepted_at, command.decide_by)


async def test_without_a_reply_in_time_it_is_running() -> None:
    parts = Parts()
    assert await parts.commands.submit(booking(), 0) is None
    assert len(parts.waiters) == 0 and len(parts.producer.sent) == 1


async def test_repeats_in_the_same_process_join_and_are_produced_once() -> None:
    parts = Parts()
    waits = [asyncio.ensure_future(parts.commands.submit(booking("k"), 5)) for _ in range(50)]
    await until(lambda: sum(waiter.waiting for waiter in parts.waiters) == 50)
    parts.reply(booking("k"))
    assert await asyncio.gather(*waits) == [BOOKED] * 50
    assert len(parts.producer.sent) == 1


async def test_one_who_leaves_does_not_close_the_door_for_the_others() -> None:
    parts = Parts()
    staying = asyncio.ensure_future(parts.commands.submit(booking("k"), 5))
    await until(lambda: len(parts.waiters) == 1)
    assert await parts.commands.submit(booking("k"), 0) is None
    assert parts.reply(booking("k"))
    assert await staying == BOOKED


async def test_another_body_under_a_key_waits_for_itself() -> None:
    parts = Parts()
    first = asyncio.ensure_future(parts.commands.submit(booking("k"), 5))
    other = asyncio.ensure_future(parts.commands.submit(booking("k", "b"), 5))
    await until(lambda: len(parts.producer.sent) == 2)
    parts.reply(booking("k", "b"), KEY_REUSED)
    parts.reply(booking("k"))
    assert (await first, await other) == (BOOKED, KEY_REUSED)


async def test_an_unknown_id_is_refused_before_anything_is_produced() -> None:
    parts = Parts()
    parts.registry.existing = {PATIENT}
    assert await refusal(parts) == Code.UNKNOWN_DOCTOR
    assert parts.producer.sent == [] and parts.holder.asked == []


async def test_a_stored_answer_goes_before_an_unknown_id() -> None:
    parts = Parts()
    parts.registry.existing = set()
    assert await refusal(parts, "k") == Code.UNKNOWN_DOCTOR
    parts.holder.outcomes = [outcome_of(booking("k"))]
    assert await parts.commands.submit(booking("k"), 1) == Answered(BOOKED.answer, replayed=True)
    assert await refusal(parts, "k", "b") == Code.KEY_REUSED
    assert parts.producer.sent == []


async def test_a_decided_answer_of_an_unknown_id_is_waited_for() -> None:
    parts = Parts()
    parts.registry.existing = set()
    parts.holder.outcomes = [outcome_of(booking("k"), settled=False)]
    assert await parts.commands.submit(booking("k"), 0) is None
    assert parts.producer.sent == []


def asking(answer: Build | ProblemError, key: str | None = None) -> Command:
    """A booking for which an owner is asked something first."""

    async def resolve(_: Command) -> Build:
        if isinstance(answer, ProblemError):
            raise answer
        return answer

    return replace(booking(key), resolve=resolve)


async def test_what_an_owner_answers_is_in_the_message() -> None:
    parts, command = Parts(), asking(booked_by(DOCTOR, date(2026, 5, 4), PATIENT))
    parts.producer.then = lambda: parts.reply(command)
    assert await parts.commands.submit(command, 1) == BOOKED
    message = BookAppointment.model_validate_json(parts.producer.sent[0].body)
    assert (message.slot_id, message.date, message.patient_id) == (PATIENT, date(2026, 5, 4), PATIENT)


@pytest.mark.parametrize("code", [Code.NO_SUCH_SLOT, Code.NOT_ACCEPTED])
async def test_a_stored_answer_goes_before_a_refusing_owner(code: Code) -> None:
    parts, command = Parts(), asking(ProblemError(code, headers={"Retry-After": "2"}), "k")
    with pytest.raises(ProblemError) as refused:
        await parts.commands.submit(command, 1)
    assert (refused.value.code, refused.value.headers) == (code, {"Retry-After": "2"})
    parts.holder.outcomes = [outcome_of(command)]
    assert await parts.commands.submit(command, 1) == Answered(BOOKED.answer, replayed=True)
    assert parts.producer.sent == []


async def test_without_a_key_nothing_is_stored_of_a_refusing_owner() -> None:
    parts = Parts()
    with pytest.raises(ProblemError):
        await parts.commands.submit(asking(ProblemError(Code.NO_SUCH_SLOT)), 1)
    assert parts.holder.asked == [] and parts.producer.sent == []


async def test_an_unknown_id_goes_before_an_owner_is_asked() -> None:
    parts = Parts()
    parts.registry.existing = set()
    with pytest.raises(ProblemError) as refused:
        await parts.commands.submit(asking(ProblemError(Code.NO_SUCH_SLOT)), 1)
    assert refused.value.code == Code.UNKNOWN_DOCTOR


async def test_what_the_producer_never_had_is_not_accepted_and_closes_the_door() -> None:
    parts = Parts()
    parts.producer.error = NotAccepted()
    assert await refusal(parts) == Code.NOT_ACCEPTED
    assert await refusal(parts) == Code.NOT_ACCEPTED
    assert len(parts.producer.sent) == 1 and len(parts.waiters) == 0
    parts.admission.stop()


async def test_what_was_not_confirmed_is_unknown_to_all_who_joined() -> None:
    parts = Parts()
    parts.producer.error = Unconfirmed()
    assert await refusal(parts, "k") == Code.UNKNOWN_OUTCOME
    assert await refusal(parts, "k") == Code.NOT_ACCEPTED
    parts.admission.stop()


async def test_the_door_opens_when_the_broker_answers() -> None:
    parts = Parts()
    parts.admission.close()
    assert await refusal(parts) == Code.NOT_ACCEPTED
    parts.broker_answers = True
    assert parts.admission._probe is not None
    await asyncio.wait_for(parts.admission._probe, 5)
    command = booking()
    parts.producer.then = lambda: parts.reply(command)
    assert await parts.commands.submit(command, 1) == BOOKED


async def test_replies_are_asked_for_where_they_are_heard_now() -> None:
    held = [3, 5]
    rotation = Rotation(lambda: held)
    assert {rotation() for _ in range(4)} == {3, 5}
    held.clear()
    assert rotation() is None
