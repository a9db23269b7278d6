"""Whether an id is in use, asked before a command is published, so that ids of strangers cannot fill a day.

First the memory of this process is asked, then Redis, then the owner; only what exists is remembered. An owner that does not
answer is no reason to refuse: the owners check again.
"""

import asyncio
from collections import OrderedDict
from typing import Protocol
from uuid import UUID

from services.gateway.access.caller import ApiCaller
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.problems import ProblemError

TTL_SECONDS = 300
MAX_KNOWN = 100_000

UNKNOWN = {"doctor": Code.UNKNOWN_DOCTOR, "patient": Code.UNKNOWN_PATIENT}

EntityId = tuple[str, UUID]
"""A kind (`doctor`, `patient`) and an id."""


class SharedKnownIds(Protocol):
    """What all gateways remember together."""

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool: ...
    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None: ...
    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None: ...


class IdOwners(Protocol):
    """The owners, who know for certain: None when the one that is asked does not answer."""

    async def exists(self, caller: ApiCaller, kind: str, entity_id: UUID) -> bool | None: ...


class KnownIds:
    """What one process knows to exist: the ids used last, each for five minutes."""

    def __init__(self, shared: SharedKnownIds, owners: IdOwners, clock: Clock, max_known: int = MAX_KNOWN) -> None:
        self._shared = shared
        self._owners = owners
        self._clock = clock
        self._max_known = max_known
        self._until: OrderedDict[tuple[UUID, str, UUID], float] = OrderedDict()

    async def require(self, caller: ApiCaller, *entities: EntityId) -> None:
        """Raises `unknown_doctor` or `unknown_patient` for the first id that does not exist."""
        missing = [entity for entity in entities if not self._remembers(caller.clinic_id, entity)]
        if not missing:
            return
        results = await asyncio.gather(*(self._exists(caller, entity) for entity in missing))
        for (kind, _), exists in zip(missing, results, strict=True):
            if not exists:
                raise ProblemError(UNKNOWN[kind])

    async def remember(self, caller: ApiCaller, kind: str, entity_id: UUID) -> None:
        """Adds an id to both memories, after the owner was asked or has made it."""
        self._keep(caller.clinic_id, (kind, entity_id))
        await self._shared.put(kind, caller.clinic_id, entity_id)

    async def forget(self, caller: ApiCaller, kind: str, entity_id: UUID) -> None:
        """Removes an id from both memories after its deletion; other processes keep it in theirs until its time is over."""
        self._until.pop((caller.clinic_id, kind, entity_id), None)
        await self._shared.drop(kind, caller.clinic_id, entity_id)

    async def _exists(self, caller: ApiCaller, entity: EntityId) -> bool:
        kind, entity_id = entity
        if await self._shared.has(kind, caller.clinic_id, entity_id):
            self._keep(caller.clinic_id, entity)
            return True
        exists = await self._owners.exists(caller, kind, entity_id)
        if exists:
            await self.remember(caller, kind, entity_id)
        return exists is not False

    def _remembers(self, clinic_id: UUID, entity: EntityId) -> bool:
        key = (clinic_id, *entity)
        if self._until.get(key, 0.0) <= self._clock.monotonic():
            return False
        self._until.move_to_end(key)
        return True

    def _keep(self, clinic_id: UUID, entity: EntityId) -> None:
        self._until[(clinic_id, *entity)] = self._clock.monotonic() + TTL_SECONDS
        if len(self._until) > self._max_known:
            self._until.popitem(last=False)
