"""All Redis of the gateway: which ids are known to exist. Admission only: while the server is away it knows nothing."""

from uuid import UUID

from redis.asyncio import Redis

from shared.infra.circuit import CircuitBreaker
from shared.infra.clockwork import Clock


class RedisKnownIds:
    """Known ids, shared by all gateways, each for a limited time."""

    def __init__(self, redis: "Redis", ttl_seconds: int, clock: Clock) -> None:
        self._redis = redis
        self._ttl_seconds = ttl_seconds
        self._circuit = CircuitBreaker(clock, "known_ids_unavailable")

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool:
        """Whether a gateway found lately that the id exists."""
        return bool(await self._circuit.call(self._redis.exists, _key(kind, clinic_id, entity_id)))

    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        """Remembers that the id exists."""
        await self._circuit.call(self._redis.set, _key(kind, clinic_id, entity_id), b"1", ex=self._ttl_seconds)

    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        """Forgets the id."""
        await self._circuit.call(self._redis.delete, _key(kind, clinic_id, entity_id))


def _key(kind: str, clinic_id: UUID, entity_id: UUID) -> str:
    return f"frontdesk:known:{kind}:{clinic_id}:{entity_id}"
