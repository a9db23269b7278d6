"""The database's clock, as the gateway knows it: deadlines of commands are judged by databases, so they are set by one too."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from shared.infra.clockwork import Clock
from shared.infra.jobs import Job

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

    def job(self) -> Job:
        """The job of one process: asks every ten seconds. While the database is away the last offset stands."""
        return Job("database_clock", REFRESH_SECONDS, self.refresh, failed="clock_not_refreshed")
