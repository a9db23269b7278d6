"""Whether an id is in use, asked before a command is published, so that strangers' ids cannot fill a day.

First this process's memory, then Redis, then the owner; only what exists is remembered. Whoever cannot say is no reason to
refuse: the owners check again.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from services.gateway.access.caller import ApiCaller

TTL_SECONDS = 300
MAX_KNOWN = 100_000

Named = tuple[str, UUID]
"""A kind (`doctor`, `patient`) and an id."""


class Store(Protocol):
    """What several gateways remember together."""

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool: ...
    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None: ...
    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None: ...


class Registry(Protocol):
    """Who knows for certain, when it answers."""

    async def exists(self, caller: ApiCaller, kind: str, entity_id: UUID) -> bool | None: ...


class KnownIds:
    """What one process knows to exist: the ids used last, each for five minutes."""

    def __init__(self, store: Store, registry: Registry, max_known: int = MAX_KNOWN) -> None:
        self._store = store
        self._registry = registry
        self._max_known = max_known
        self._until: OrderedDict[tuple[UUID, str, UUID], float] = OrderedDict()

    async def first_unknown(self, caller: ApiCaller, named: Sequence[Named]) -> str | None:
        """The kind of the first id that does not exist, or None if all exist or nobody can say."""
        missing = [one for one in named if not self._remembers(caller.clinic_id, one)]
        if not missing:
            return None
        results = await asyncio.gather(*(self._exists(caller, one) for one in missing))
        return next((kind for (kind, _), exists in zip(missing, results, strict=True) if not exists), None)

    async def remember(self, caller: ApiCaller, kind: str, entity_id: UUID) -> None:
        """Fills the memories after a write or a read of the owner."""
        self._keep(caller.clinic_id, (kind, entity_id))
        await self._store.put(kind, caller.clinic_id, entity_id)

    async def forget(self, caller: ApiCaller, kind: str, entity_id: UUID) -> None:
        """Empties the memories after a removal; other processes remember it for as long as they would."""
        self._until.pop((caller.clinic_id, kind, entity_id), None)
        await self._store.drop(kind, caller.clinic_id, entity_id)

    async def _exists(self, caller: ApiCaller, one: Named) -> bool:
        kind, entity_id = one
        if await self._store.has(kind, caller.clinic_id, entity_id):
            self._keep(caller.clinic_id, one)
            return True
        exists = await self._registry.exists(caller, kind, entity_id)
        if exists:
            await self.remember(caller, kind, entity_id)
        return exists is not False

    def _remembers(self, clinic_id: UUID, one: Named) -> bool:
        key = (clinic_id, *one)
        if self._until.get(key, 0.0) <= time.monotonic():
            return False
        self._until.move_to_end(key)
        return True

    def _keep(self, clinic_id: UUID, one: Named) -> None:
        self._until[(clinic_id, *one)] = time.monotonic() + TTL_SECONDS
        if len(self._until) > self._max_known:
            self._until.popitem(last=False)
