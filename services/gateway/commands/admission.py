"""Whether commands may be published now: not before Kafka was reached, and not while it is away, so that refusals come at once.

After a publish that failed, one probe asks the broker until it answers; then commands are admitted again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.gateway.http.retries import refusal_to_repeat
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock

log = structlog.get_logger()

PROBE_INTERVAL_SECONDS = 0.5


class Admission:
    """Open while commands are admitted; closed at first. `ping` answers whether the broker does."""

    def __init__(self, ping: Callable[[], Awaitable[bool]], clock: Clock) -> None:
        self._ping = ping
        self._clock = clock
        self._open = False
        self._probe: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raises a `ProblemError` `not_accepted` while it is closed."""
        if not self._open:
            raise refusal_to_repeat(self._clock, Code.NOT_ACCEPTED)

    def open(self) -> None:
        """The broker answers: commands are admitted."""
        self._open = True

    def close(self) -> None:
        """A publish failed: commands are refused until the broker answers a probe."""
        if self._open:
            self._open = False
            log.warning("admission_closed")
            self._probe = asyncio.ensure_future(self._reopen())

    def stop(self) -> None:
        """Ends the probe, if one runs."""
        if self._probe:
            self._probe.cancel()

    async def _reopen(self) -> None:
        while not await self._ping():  # the broker raises no event when it is back
            await self._clock.sleep(PROBE_INTERVAL_SECONDS)
        self.open()
        log.info("admission_opened")
