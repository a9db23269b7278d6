"""Whether commands may be produced now. Closed until Kafka was reached once and while it is away, so that refusals come at once.

After a produce that failed, one probe asks the broker until it answers; then the door is open again.
"""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from services.gateway.owners.client import retry_after
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

log = structlog.get_logger()

PROBE_INTERVAL_SECONDS = 0.5


class Admission:
    """The door to Kafka. `ping` says whether the broker answers."""

    def __init__(self, ping: Callable[[], Awaitable[bool]]) -> None:
        self._ping = ping
        self._open = False
        self._probe: asyncio.Task[None] | None = None

    def check(self) -> None:
        """Raises a `ProblemError` `not_accepted` while nothing may be produced."""
        if not self._open:
            raise ProblemError(Code.NOT_ACCEPTED, headers=retry_after())

    def open(self) -> None:
        """Kafka answers."""
        self._open = True

    def close(self) -> None:
        """A produce failed: refuse until the broker answers a probe."""
        if self._open:
            self._open = False
            log.warning("admission_closed")
            self._probe = asyncio.ensure_future(self._reopen())

    def stop(self) -> None:
        """Ends the probe, if one runs."""
        if self._probe:
            self._probe.cancel()

    async def _reopen(self) -> None:
        while not await self._ping():  # noqa: ASYNC110 - the broker raises no event when it is back
            await asyncio.sleep(PROBE_INTERVAL_SECONDS)
        self.open()
        log.info("admission_opened")
