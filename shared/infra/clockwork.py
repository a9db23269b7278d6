"""Time as a process feels it: handed in, so that a simulation can hand in another.

Nothing that is stored comes from this clock: instants are the database's (`Unit.now`), and the gateway follows it by `clock.py`.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Callable
from typing import Any


class Clock:
    """Pauses, deadlines and jitter of a process. Seconds everywhere."""

    monotonic: Callable[[], float] = staticmethod(time.monotonic)
    """A reading that never goes back; only differences mean something."""

    async def sleep(self, seconds: float) -> None:
        """A pause."""
        await asyncio.sleep(seconds)

    async def wait(self, event: asyncio.Event, seconds: float) -> bool:
        """A pause that an event cuts short; whether it did."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(event.wait(), seconds)
        return event.is_set()

    async def wait_for(self, future: "asyncio.Future[Any]", seconds: float) -> bool:
        """A pause that a future cuts short; whether it is done. The future goes on if it is not."""
        await asyncio.wait({future}, timeout=max(0.0, seconds))
        return future.done()

    def jitter(self, most: float) -> float:
        """Somewhere between 0 and `most`, so that many who wait do not come back at once."""
        return random.uniform(0, most)
