"""Polling of outcomes: which commands are asked for when, all in one call, and how a command ended by its outcome."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

import pytest

from services.gateway.commands.outcome_polling import end_of
from services.gateway.commands.waiters import Answered, Waiter
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError
from tests.unit.gateway.parts import BOOKED, CLINIC, NOW, Parts, booking, outcome_of, until

LATER = NOW.replace(hour=9)
NEVER = float("inf")


@contextlib.asynccontextmanager
async def polling(parts: Parts) -> AsyncIterator[None]:
    """The background task, while the block runs."""
    stopping = asyncio.Event()
    task = asyncio.ensure_future(parts.poller.run(stopping))
    yield
    stopping.set()
    await asyncio.wait_for(task, 5)


def waiter_of(parts: Parts, key: str, poll_at: float = NEVER) -> Waiter:
    return parts.waiters.open(booking(key), poll_at)


@pytest.mark.parametrize(
    ("body_hash", "settled", "accepted_at", "expected"),
    [
        ("a", True, NOW, BOOKED),
        ("a", True, LATER, Answered(BOOKED.answer, replayed=True)),
        ("a", False, NOW, None),
        ("b", True, NOW, Answered(Answer.refusal(Code.KEY_REUSED))),
        ("b", False, NOW, Answered(Answer.refusal(Code.KEY_REUSED))),
    ],
)
async def test_what_an_outcome_means(body_hash: str, settled: bool, accepted_at: object, expected: Answered | None) -> None:
    outcome = outcome_of(booking("k"), body_hash=body_hash, settled=settled).model_copy(update={"accepted_at": accepted_at})
    assert end_of(booking("k"), outcome) == expected
    assert end_of(booking("k"), None) is None


async def test_a_rebalance_polls_all_open_commands_in_one_call() -> None:
    parts = Parts()
    waiters = [waiter_of(parts, key) for key in "abc"]
    parts.holder.stored = [outcome_of(booking(key)) for key in "ab"]
    async with polling(parts):
        parts.poller.poll_all()
        ends = await asyncio.wait_for(asyncio.gather(*(waiter.future for waiter in waiters[:2])), 5)
    assert ends == [BOOKED, BOOKED]
    assert not waiters[2].future.done() and list(parts.waiters) == [waiters[2]]
    assert len(parts.holder.asked) == 1 and len(parts.holder.asked[0]) == 3


async def test_only_what_is_due_is_asked_for() -> None:
    parts = Parts()
    due = waiter_of(parts, "due", poll_at=0.0)
    waiter_of(parts, "later")
    async with polling(parts):
        await asyncio.wait_for(due.polled.wait(), 5)
    assert parts.holder.asked == [[(CLINIC, due.command.command_id)]]


async def test_a_202_is_preceded_by_a_poll() -> None:
    parts, command = Parts(), booking("k")
    parts.publisher.then = lambda: parts.holder.stored.append(outcome_of(command))
    async with polling(parts):
        assert await parts.submit(command, 0.01) == BOOKED


@pytest.mark.parametrize("error", [ProblemError(Code.UNAVAILABLE), ValueError("no outcomes")], ids=repr)
async def test_a_failing_poll_leaves_the_waiters_and_is_tried_again(error: Exception) -> None:
    parts = Parts()
    waiter = waiter_of(parts, "k")
    parts.holder.error = error
    async with polling(parts):
        parts.poller.poll_all()
        await until(lambda: bool(parts.holder.asked))
        parts.holder.error = None
        parts.holder.stored = [outcome_of(booking("k"))]
        parts.poller.poll_all()
        assert await asyncio.wait_for(waiter.future, 5) == BOOKED
