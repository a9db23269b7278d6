"""The database's clock, as the gateway knows it: deadlines of commands are judged by databases, so they are set by one too."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import asyncpg
import structlog

from shared.infra.clockwork import Clock

log = structlog.get_logger()

REFRESH_SECONDS = 10.0


class DatabaseClock:
    """The clock of this machine and its offset from the database's. `ask` answers the database's time."""

    def __init__(self, ask: Callable[[], Awaitable[datetime]], clock: Clock) -> None:
        self._ask = ask
        self._clock = clock
        self._offset = timedelta(0)

    def now(self) -> datetime:
        """The database's time, without asking it."""
        return datetime.now(UTC) + self._offset

    async def refresh(self) -> None:
        """Asks once; half of the round trip counts as the way back."""
        started = self._clock.monotonic()
        theirs = await self._ask()
        way_back = timedelta(seconds=(self._clock.monotonic() - started) / 2)
        self._offset = theirs + way_back - datetime.now(UTC)

    async def run(self, stopping: asyncio.Event) -> None:
        """Asks every ten seconds; while the database is away the last offset stands."""
        while not stopping.is_set():
            try:
                await self.refresh()
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError) as error:
                log.warning("clock_not_refreshed", error=type(error).__name__)
            await self._clock.wait(stopping, REFRESH_SECONDS)
