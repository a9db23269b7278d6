"""Polls booking, which holds the outcomes, for open commands: a second after they were opened, after a rebalance of the replies,
and right before a 202. So a lost reply costs time, and nothing else.

All commands that are due go into one call. A call that fails is repeated with the next.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog

from services.gateway.commands.command import ApiCommand
from services.gateway.commands.waiters import Answered, Waiter, Waiters
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError

log = structlog.get_logger()

FIRST_POLL_SECONDS = 1.0
"""After a command was opened."""
NEXT_POLL_SECONDS = 2.0
TICK_SECONDS = 0.25
LAST_POLL_SECONDS = 1.5
"""So long a 202 is held back for its poll."""


class OutcomeHolder(Protocol):
    """The service that holds the outcomes, which is booking: answers those that it has of (clinic id, command id) pairs.

    Raises a `ProblemError` `unavailable`.
    """

    async def outcomes(self, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]: ...


class OutcomePoller:
    """The one background task of a process that asks for outcomes."""

    def __init__(self, waiters: Waiters, holder: OutcomeHolder, clock: Clock) -> None:
        self._waiters = waiters
        self._holder = holder
        self._clock = clock
        self._wake = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Polls until the process stops."""
        while not stopping.is_set():
            await self._clock.wait(self._wake, TICK_SECONDS)
            self._wake.clear()
            await self._poll_due()

    def poll_all(self) -> None:
        """Has all open commands polled at once: replies may have been missed."""
        for waiter in self._waiters:
            waiter.poll_at = 0.0
        self._wake.set()

    async def poll_now(self, waiter: Waiter) -> None:
        """Has one command polled at once, and waits for it as long as a 202 is held back."""
        waiter.polled.clear()
        waiter.poll_at = 0.0
        self._wake.set()
        await self._clock.wait(waiter.polled, LAST_POLL_SECONDS)

    async def _poll_due(self) -> None:
        now = self._clock.monotonic()
        due = [waiter for waiter in self._waiters if waiter.poll_at <= now]
        if not due:
            return
        for waiter in due:
            waiter.poll_at = now + NEXT_POLL_SECONDS
        try:
            pairs = {(waiter.command.caller.clinic_id, waiter.command.command_id) for waiter in due}
            found = {(one.clinic_id, one.command_id): one for one in await self._holder.outcomes(list(pairs))}
        except ProblemError as error:
            log.warning("look_failed", open=len(due), error=error.code)
            return
        except Exception as error:  # whatever it was, the next poll must come: without polls a lost reply stays lost
            log.exception("look_failed", open=len(due), error=type(error).__name__)
            return
        for waiter in due:
            command = waiter.command
            end = end_of(command, found.get((command.caller.clinic_id, command.command_id)))
            if end is not None:
                self._waiters.resolve(command.command_id, command.body_hash, end)
            waiter.polled.set()


def end_of(command: ApiCommand, outcome: Outcome | None) -> Answered | None:
    """How a command ended by its outcome. None before that is settled, unless its key belongs to another request."""
    if outcome is None:
        return None
    if outcome.body_hash != command.body_hash:
        return Answered(Answer.refusal(Code.KEY_REUSED))
    if outcome.settled_at is None:
        return None
    return Answered(outcome.answer, replayed=outcome.accepted_at != command.accepted_at)
