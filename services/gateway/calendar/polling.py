"""Asks an owner again until what it has begun is done, or the client waits no longer.

Used by the deletion of a doctor and by displacing.
"""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from shared.infra.clockwork import Clock

S = TypeVar("S")

FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 0.5


async def poll_until(
    clock: Clock, deadline: float, state: S, is_done: Callable[[S], bool], ask: Callable[[S], Awaitable[S]]
) -> S:
    """The state once it is done, or as it is at the deadline. `ask` answers the next one, after pauses that double."""
    pause = FIRST_PAUSE_SECONDS
    while not is_done(state) and (remaining := deadline - clock.monotonic()) > 0:
        await clock.sleep(min(pause, remaining))
        pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
        state = await ask(state)
    return state
