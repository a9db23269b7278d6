"""All Redis of the gateway: which ids are known to exist. Admission only: while the server is away it knows nothing."""

import time
from uuid import UUID

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger()

AWAY_SECONDS = 1.0
"""After a failure the server is left alone for so long, so that a request does not pay for its absence."""


class KnownStore:
    """Known ids, shared by all gateways, each for a limited time."""

    def __init__(self, redis: "Redis", ttl_seconds: int) -> None:
        self._redis = redis
        self._ttl_seconds = ttl_seconds
        self._away_until = 0.0

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool:
        """Whether somebody saw the id exist lately."""
        if time.monotonic() < self._away_until:
            return False
        try:
            return bool(await self._redis.exists(_key(kind, clinic_id, entity_id)))
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)
            return False

    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        """Remembers that the id exists."""
        if time.monotonic() < self._away_until:
            return
        try:
            await self._redis.set(_key(kind, clinic_id, entity_id), b"1", ex=self._ttl_seconds)
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)

    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        """Forgets the id."""
        if time.monotonic() < self._away_until:
            return
        try:
            await self._redis.delete(_key(kind, clinic_id, entity_id))
        except (RedisError, OSError, TimeoutError) as error:
            self._leave_alone(error)

    def _leave_alone(self, error: Exception) -> None:
        self._away_until = time.monotonic() + AWAY_SECONDS
        log.warning("known_ids_unavailable", error=type(error).__name__)


def _key(kind: str, clinic_id: UUID, entity_id: UUID) -> str:
    return f"frontdesk:known:{kind}:{clinic_id}:{entity_id}"
