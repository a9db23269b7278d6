"""Looks: who is asked for when, all in one call, and what an outcome means for a waiter."""

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
async def looking(parts: Parts) -> AsyncIterator[None]:
    """The background task, while the block runs."""
    stopping = asyncio.Event()
    task = asyncio.ensure_future(parts.looks.run(stopping))
    yield
    stopping.set()
    await asyncio.wait_for(task, 5)


def waiter_of(parts: Parts, key: str, look_at: float = NEVER) -> Waiter:
    command = booking(key)
    return parts.waiters.open(CLINIC, command.command_id, command.body_hash, NOW, look_at)


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
    parts = Parts()
    waiter = waiter_of(parts, "k")
    outcome = outcome_of(booking("k"), body_hash=body_hash, settled=settled).model_copy(update={"accepted_at": accepted_at})
    assert end_of(waiter, outcome) == expected
    assert end_of(waiter, None) is None


async def test_a_rebalance_looks_up_everything_open_in_one_call() -> None:
    parts = Parts()
    waiters = [waiter_of(parts, key) for key in "abc"]
    parts.holder.outcomes = [outcome_of(booking(key)) for key in "ab"]
    async with looking(parts):
        parts.looks.all_soon()
        ends = await asyncio.wait_for(asyncio.gather(*(waiter.future for waiter in waiters[:2])), 5)
    assert ends == [BOOKED, BOOKED]
    assert not waiters[2].future.done() and list(parts.waiters) == [waiters[2]]
    assert len(parts.holder.asked) == 1 and len(parts.holder.asked[0]) == 3


async def test_only_what_is_due_is_asked_for() -> None:
    parts = Parts()
    due = waiter_of(parts, "due", look_at=0.0)
    waiter_of(parts, "later")
    async with looking(parts):
        await asyncio.wait_for(due.looked.wait(), 5)
    assert parts.holder.asked == [[(CLINIC, due.command_id)]]


async def test_a_202_is_preceded_by_a_look() -> None:
    parts, command = Parts(), booking("k")
    parts.producer.then = lambda: parts.holder.outcomes.append(outcome_of(command))
    async with looking(parts):
        assert await parts.commands.submit(command, 0.01) == BOOKED


@pytest.mark.parametrize("error", [ProblemError(Code.UNAVAILABLE), ValueError("no outcomes")], ids=repr)
async def test_a_failing_look_leaves_the_waiters_and_is_tried_again(error: Exception) -> None:
    parts = Parts()
    waiter = waiter_of(parts, "k")
    parts.holder.error = error
    async with looking(parts):
        parts.looks.all_soon()
        await until(lambda: bool(parts.holder.asked))
        parts.holder.error = None
        parts.holder.outcomes = [outcome_of(booking("k"))]
        parts.looks.all_soon()
        assert await asyncio.wait_for(waiter.future, 5) == BOOKED
