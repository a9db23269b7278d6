"""A circuit breaker before Redis: after a failure the server is left alone for a second, so that no caller pays for its absence.

Redis serves admission only, so nothing is wrong where a call is left out. Used by the day locks of all services and by the known
ids of the gateway.
"""

from collections.abc import Awaitable, Callable
from typing import ParamSpec, TypeVar

import structlog
from redis.exceptions import RedisError

from shared.infra.clockwork import Clock
from shared.infra.errors import is_closed_transport

T = TypeVar("T")
P = ParamSpec("P")

log = structlog.get_logger()

AWAY = (RedisError, OSError)
"""What the client of Redis raises while the server is away or slow."""
OPEN_SECONDS = 1.0
"""After a failure no call is made for so long."""


class CircuitBreaker:
    """Closed while the server answers, open for a second after it failed. `event` is the name under which a failure is logged."""

    def __init__(self, clock: Clock, event: str) -> None:
        self._clock = clock
        self._event = event
        self._open_until = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the server is left alone now."""
        return self._clock.monotonic() < self._open_until

    async def call(self, command: Callable[P, Awaitable[T]], *args: P.args, **kwargs: P.kwargs) -> T | None:
        """What Redis answers to a command with these arguments.

        None if the circuit is open, or if the server fails, which opens it.
        """
        if self.is_open:
            return None
        try:
            return await command(*args, **kwargs)
        except Exception as error:
            if not (isinstance(error, AWAY) or is_closed_transport(error)):
                raise
            self._open_until = self._clock.monotonic() + OPEN_SECONDS
            log.warning(self._event, error=type(error).__name__)
            return None
