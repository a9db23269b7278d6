"""Looks up open commands at booking, which holds their outcomes: a second after they were opened, after a rebalance of the
replies, and right before a 202. All that are due go into one call; a failing one is tried again with the next.
"""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

import structlog

from services.gateway.commands.waiters import Answered, Waiter, Waiters
from shared.contracts.commands import Answer, Outcome
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

log = structlog.get_logger()

FIRST_LOOK_SECONDS = 1.0
NEXT_LOOK_SECONDS = 2.0
TICK_SECONDS = 0.25
LAST_LOOK_SECONDS = 1.5
"""So long a 202 is held back for its look."""


class Holder(Protocol):
    """Who has the outcomes."""

    async def look(self, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]: ...


class Looks:
    """The one background task of a process that asks for outcomes."""

    def __init__(self, waiters: Waiters, holder: Holder) -> None:
        self._waiters = waiters
        self._holder = holder
        self._wake = asyncio.Event()

    async def run(self, stopping: asyncio.Event) -> None:
        """Looks until the process stops."""
        while not stopping.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
            self._wake.clear()
            await self._look_up_due()

    def all_soon(self) -> None:
        """Replies may have been missed: everything open is due."""
        for waiter in self._waiters:
            waiter.look_at = 0.0
        self._wake.set()

    async def last(self, waiter: Waiter) -> None:
        """Has one waiter looked up now, if booking answers in time."""
        waiter.looked.clear()
        waiter.look_at = 0.0
        self._wake.set()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(waiter.looked.wait(), LAST_LOOK_SECONDS)

    async def stored(self, clinic_id: UUID, command_id: UUID) -> Outcome | None:
        """The outcome of one command, settled or not. Raises a `ProblemError` `unavailable`."""
        outcomes = await self._holder.look([(clinic_id, command_id)])
        return outcomes[0] if outcomes else None

    async def _look_up_due(self) -> None:
        now = time.monotonic()
        due = [waiter for waiter in self._waiters if waiter.look_at <= now]
        if not due:
            return
        for waiter in due:
            waiter.look_at = now + NEXT_LOOK_SECONDS
        try:
            pairs = {(waiter.clinic_id, waiter.command_id) for waiter in due}
            found = {(one.clinic_id, one.command_id): one for one in await self._holder.look(list(pairs))}
        except ProblemError as error:
            log.warning("look_failed", open=len(due), error=error.code)
            return
        except Exception as error:  # whatever it was, the next look must come: without looks a lost reply stays lost
            log.exception("look_failed", open=len(due), error=type(error).__name__)
            return
        for waiter in due:
            self._apply(waiter, found.get((waiter.clinic_id, waiter.command_id)))
            waiter.looked.set()

    def _apply(self, waiter: Waiter, outcome: Outcome | None) -> None:
        end = end_of(waiter, outcome)
        if end is not None:
            self._waiters.resolve(waiter.command_id, waiter.body_hash, end)


def end_of(waiter: Waiter, outcome: Outcome | None) -> Answered | None:
    """What an outcome means for a waiter: nothing before it is settled, unless the key belongs to another request."""
    if outcome is None:
        return None
    if outcome.body_hash != waiter.body_hash:
        return Answered(Answer.refusal(Code.KEY_REUSED))
    if outcome.settled_at is None:
        return None
    return Answered(outcome.answer, replayed=outcome.accepted_at != waiter.accepted_at)
