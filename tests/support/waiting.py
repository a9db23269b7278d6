"""Waiting for what happens elsewhere: a condition with a deadline, never a sleep for luck."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

DEADLINE_SECONDS = 60.0
"""Long enough for a machine that does much else; a condition that holds is seen at once."""
INTERVAL_SECONDS = 0.02


async def eventually(look: Callable[[], Awaitable[T]], *, within_seconds: float = DEADLINE_SECONDS) -> T:
    """What `look` answers as soon as it is true. A failing assertion inside counts as not yet, and is raised at the deadline."""
    deadline = time.monotonic() + within_seconds
    while True:
        try:
            if found := await look():
                return found
            missing: BaseException = TimeoutError(f"nothing after {within_seconds} s")
        except AssertionError as error:
            missing = error
        if time.monotonic() >= deadline:
            raise missing
        await asyncio.sleep(INTERVAL_SECONDS)
