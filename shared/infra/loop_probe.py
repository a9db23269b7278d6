"""Measures for how long the event loop of a process is blocked: while one piece of work holds it, nobody else is answered.

A pause that ends late was held up by whatever held the loop. So a block is seen when it is over, and up to `PAUSE_SECONDS` short.
A machine with more to do than it has processors for makes pauses late, too. Run by `runtime.py` in every service process.
"""

import asyncio

from shared.infra.clockwork import Clock
from shared.infra.metrics import LOOP_BLOCKED, LOOP_LONGEST_BLOCK

PAUSE_SECONDS = 0.020


class LoopProbe:
    """The probe of one process."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._longest_seconds = 0.0

    async def run(self, stopping: asyncio.Event) -> None:
        """Measures until the process stops."""
        while not stopping.is_set():
            due = self._clock.monotonic() + PAUSE_SECONDS
            await self._clock.sleep(PAUSE_SECONDS)
            self._note(max(0.0, self._clock.monotonic() - due))

    def _note(self, late_seconds: float) -> None:
        LOOP_BLOCKED.observe(late_seconds)
        if late_seconds > self._longest_seconds:
            self._longest_seconds = late_seconds
            LOOP_LONGEST_BLOCK.set(late_seconds)
