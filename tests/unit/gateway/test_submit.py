"""A command's way through the gateway: what is published, what is answered, and what a failing part changes."""

import asyncio
from datetime import date

import pytest

from services.gateway.commands.replies import ReplyPartitions
from services.gateway.commands.waiters import Answered
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer
from shared.contracts.envelope import ClientCommand
from shared.contracts.problems import Code
from shared.infra.kafka.publisher import NotAccepted, Unconfirmed
from shared.infra.problems import ProblemError
from tests.unit.gateway.parts import BOOKED, PATIENT, FakeReplies, Parts, booking, booking_of, outcome_of, until

KEY_REUSED = Answered(Answer.refusal(Code.KEY_REUSED))


async def refusal(parts: Parts, key: str | None = None, body_hash: str = "a") -> Code:
    with pytest.raises(ProblemError) as refused:
        await parts.submit(booking(key, body_hash), 1)
    return refused.value.code


async def test_the_reply_is_the_answer() -> None:
    parts, command = Parts(), booking()
    parts.publisher.then = lambda: parts.reply(command)
    assert await parts.submit(command, 1) == BOOKED
    assert len(parts.waiters) == 0
    (record,) = parts.publisher.sent
    message = BookAppointment.model_validate_json(record.body)
    assert (message.command_id, message.reply_partition, message.body_hash) == (command.command_id, 7, "a")
    assert (message.accepted_at, message.decide_by) == (command.accepted_at, command.decide_by)


async def test_without_a_reply_in_time_it_is_running() -> None:
    parts = Parts()
    assert await parts.submit(booking(), 0) is None
    assert len(parts.waiters) == 0 and len(parts.publisher.sent) == 1


async def test_repeats_in_the_same_process_join_and_are_published_once() -> None:
    parts = Parts()
    waits = [asyncio.ensure_future(parts.submit(booking("k"), 5)) for _ in range(50)]
    await until(lambda: sum(waiter.requests for waiter in parts.waiters) == 50)
    parts.reply(booking("k"))
    assert await asyncio.gather(*waits) == [BOOKED] * 50
    assert len(parts.publisher.sent) == 1


async def test_a_request_that_waits_no_longer_leaves_the_command_open_for_the_others() -> None:
    parts = Parts()
    staying = asyncio.ensure_future(parts.submit(booking("k"), 5))
    await until(lambda: len(parts.waiters) == 1)
    assert await parts.submit(booking("k"), 0) is None
    assert parts.reply(booking("k"))
    assert await staying == BOOKED


async def test_another_body_under_a_key_waits_for_itself() -> None:
    parts = Parts()
    first = asyncio.ensure_future(parts.submit(booking("k"), 5))
    other = asyncio.ensure_future(parts.submit(booking("k", "b"), 5))
    await until(lambda: len(parts.publisher.sent) == 2)
    parts.reply(booking("k", "b"), KEY_REUSED)
    parts.reply(booking("k"))
    assert (await first, await other) == (BOOKED, KEY_REUSED)


async def test_an_unknown_id_is_refused_before_anything_is_published() -> None:
    parts = Parts()
    parts.id_owners.existing = {PATIENT}
    assert await refusal(parts) == Code.UNKNOWN_DOCTOR
    assert parts.publisher.sent == [] and parts.holder.asked == []


async def test_a_stored_answer_goes_before_an_unknown_id() -> None:
    parts = Parts()
    parts.id_owners.existing = set()
    assert await refusal(parts, "k") == Code.UNKNOWN_DOCTOR
    parts.holder.stored = [outcome_of(booking("k"))]
    assert await parts.submit(booking("k"), 1) == Answered(BOOKED.answer, replayed=True)
    assert await refusal(parts, "k", "b") == Code.KEY_REUSED
    assert parts.publisher.sent == []


async def test_a_decided_answer_of_an_unknown_id_is_waited_for() -> None:
    parts = Parts()
    parts.id_owners.existing = set()
    parts.holder.stored = [outcome_of(booking("k"), settled=False)]
    assert await parts.submit(booking("k"), 0) is None
    assert parts.publisher.sent == []


async def refused(code: Code) -> ClientCommand:
    """A message that cannot be made: an owner refuses."""
    raise ProblemError(code, headers={"Retry-After": "2"})


async def made(message: ClientCommand) -> ClientCommand:
    """A message for which nobody is asked."""
    return message


async def test_the_message_is_published_as_it_was_made() -> None:
    parts, command = Parts(), booking()
    parts.publisher.then = lambda: parts.reply(command)
    assert await parts.submit(command, 1, made(booking_of(command, date(2026, 5, 4), PATIENT))) == BOOKED
    message = BookAppointment.model_validate_json(parts.publisher.sent[0].body)
    assert (message.slot_id, message.date, message.patient_id) == (PATIENT, date(2026, 5, 4), PATIENT)


@pytest.mark.parametrize("code", [Code.NO_SUCH_SLOT, Code.NOT_ACCEPTED])
async def test_a_stored_answer_goes_before_a_refusing_owner(code: Code) -> None:
    parts, command = Parts(), booking("k")
    with pytest.raises(ProblemError) as raised:
        await parts.submit(command, 1, refused(code))
    assert (raised.value.code, raised.value.headers) == (code, {"Retry-After": "2"})
    parts.holder.stored = [outcome_of(command)]
    assert await parts.submit(command, 1, refused(code)) == Answered(BOOKED.answer, replayed=True)
    assert parts.publisher.sent == []


async def test_without_a_key_nothing_is_stored_of_a_refusing_owner() -> None:
    parts = Parts()
    with pytest.raises(ProblemError):
        await parts.submit(booking(), 1, refused(Code.NO_SUCH_SLOT))
    assert parts.holder.asked == [] and parts.publisher.sent == []


async def test_what_the_producer_never_had_is_not_accepted_and_closes_admission() -> None:
    parts = Parts()
    parts.publisher.error = NotAccepted()
    assert await refusal(parts) == Code.NOT_ACCEPTED
    assert await refusal(parts) == Code.NOT_ACCEPTED
    assert len(parts.publisher.sent) == 1 and len(parts.waiters) == 0
    parts.admission.stop()


async def test_what_was_not_confirmed_is_unknown_to_all_who_joined() -> None:
    parts = Parts()
    parts.publisher.error = Unconfirmed()
    assert await refusal(parts, "k") == Code.UNKNOWN_OUTCOME
    assert await refusal(parts, "k") == Code.NOT_ACCEPTED
    parts.admission.stop()


async def test_admission_opens_when_the_broker_answers() -> None:
    parts = Parts()
    parts.admission.close()
    assert await refusal(parts) == Code.NOT_ACCEPTED
    parts.broker_answers = True
    assert parts.admission._probe is not None
    await asyncio.wait_for(parts.admission._probe, 5)
    command = booking()
    parts.publisher.then = lambda: parts.reply(command)
    assert await parts.submit(command, 1) == BOOKED


async def test_a_reply_is_sent_to_a_partition_that_is_held_now() -> None:
    replies = FakeReplies([3, 5])
    partitions = ReplyPartitions(replies)
    assert {partitions.next() for _ in range(4)} == {3, 5}
    replies.partitions = []
    assert partitions.next() is None
