"""Locks in Redis that keep processes from colliding on a doctor's day. Admission only: nothing is wrong without them.

What excludes is the row lock in Postgres. A lock that is not had within 20 ms, or whose server is away, is skipped and counted.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from shared.infra.clockwork import Clock
from shared.infra.metrics import LOCKS_SKIPPED

log = structlog.get_logger()

ACQUIRE = """
local taken = {}
for i, key in ipairs(KEYS) do
  if redis.call('SET', key, ARGV[1], 'NX', 'PX', ARGV[2]) or redis.call('GET', key) == ARGV[1] then taken[#taken + 1] = key end
end
return #taken
"""
RELEASE = """
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) == ARGV[1] then redis.call('DEL', key) end
end
return 0
"""

TTL_MS = 5_000
WAIT_SECONDS = 0.020
RETRY_SECONDS = 0.004
AWAY_SECONDS = 1.0
"""After a failure the server is left alone for so long, so that a batch does not pay for its absence."""


class DayLocks:
    """The day locks of one process."""

    def __init__(self, redis: "Redis", clock: Clock) -> None:
        self._clock = clock
        self._acquire = redis.register_script(ACQUIRE)
        self._release = redis.register_script(RELEASE)
        self._away_until = 0.0

    @asynccontextmanager
    async def hold(self, days: Collection[str]) -> AsyncIterator[None]:
        """Holds the locks of all these days, or goes on without after 20 ms."""
        keys = sorted({f"frontdesk:lock:day:{day}" for day in days})
        token = secrets.token_hex(16)
        tried = await self._try(keys, token)
        try:
            yield
        finally:
            if tried:
                await asyncio.shield(self._let_go(keys, token))

    async def _try(self, keys: list[str], token: str) -> bool:
        """Whether there may be something to let go."""
        if not keys or self._clock.monotonic() < self._away_until:
            LOCKS_SKIPPED.inc(len(keys))
            return False
        give_up = self._clock.monotonic() + WAIT_SECONDS
        try:
            while (taken := int(await self._acquire(keys=keys, args=[token, TTL_MS]))) < len(keys):
                if self._clock.monotonic() >= give_up:
                    LOCKS_SKIPPED.inc(len(keys) - taken)
                    break
                await self._clock.sleep(RETRY_SECONDS)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error, len(keys))
        return True

    async def _let_go(self, keys: list[str], token: str) -> None:
        if self._clock.monotonic() < self._away_until:
            return
        try:
            await self._release(keys=keys, args=[token])
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error, 0)

    def _leave_alone(self, error: Exception, skipped: int) -> None:
        LOCKS_SKIPPED.inc(skipped)
        self._away_until = self._clock.monotonic() + AWAY_SECONDS
        log.warning("locks_unavailable", error=type(error).__name__)
