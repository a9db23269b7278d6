"""Locks in Redis that keep processes from colliding on a doctor's day. Admission only: nothing is wrong without them.

What excludes is the row lock in Postgres. A lock that is not had within 20 ms, or whose server is away, is skipped and counted.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager

from redis.asyncio import Redis

from shared.infra.circuit import CircuitBreaker
from shared.infra.clockwork import Clock
from shared.infra.metrics import LOCKS_SKIPPED

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


class DayLocks:
    """The day locks of one process."""

    def __init__(self, redis: "Redis", clock: Clock) -> None:
        self._clock = clock
        self._circuit = CircuitBreaker(clock, "locks_unavailable")
        self._acquire = redis.register_script(ACQUIRE)
        self._release = redis.register_script(RELEASE)

    @asynccontextmanager
    async def hold(self, days: Collection[str]) -> AsyncIterator[None]:
        """Holds the locks of all these days, or goes on without after 20 ms."""
        keys = sorted({f"frontdesk:lock:day:{day}" for day in days})
        token = secrets.token_hex(16)
        tried = bool(keys) and not self._circuit.is_open
        taken = await self._circuit.call(self._take, keys, token) if tried else None
        LOCKS_SKIPPED.inc(len(keys) - (taken or 0))
        try:
            yield
        finally:
            if tried:
                await asyncio.shield(self._circuit.call(self._release, keys=keys, args=[token]))

    async def _take(self, keys: list[str], token: str) -> int:
        """How many of the locks were had, at once or after waiting."""
        give_up = self._clock.monotonic() + WAIT_SECONDS
        while (taken := int(await self._acquire(keys=keys, args=[token, TTL_MS]))) < len(keys):
            if self._clock.monotonic() >= give_up:
                break
            await self._clock.sleep(RETRY_SECONDS)
        return taken
