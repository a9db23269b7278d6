"""A registry call is answered when it is committed: Kafka may take its time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID

from shared.contracts.registry import DoctorChanged
from shared.contracts.shapes import Active
from shared.contracts.topics import REGISTRY_EVENTS
from shared.infra.outbox import Outbox, Written
from shared.infra.postgres import Database
from shared.infra.unit import Units

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
CLINIC = UUID(int=1)
WRITTEN = Written([], [], (0, 0))


class FakeDatabase:
    @asynccontextmanager
    async def session(self, clinic: UUID, statement_ms: int | None) -> AsyncIterator[tuple[Any, Any, datetime]]:
        yield None, None, NOW


class HangingOutbox:
    """Its broker does not answer until the test says so."""

    def __init__(self) -> None:
        self.answers = asyncio.Event()
        self.published: asyncio.Future[Written] = asyncio.get_running_loop().create_future()

    async def write(self, *_: Any) -> Written:
        return WRITTEN

    async def publish(self, written: Written) -> None:
        await self.answers.wait()
        self.published.set_result(written)


async def test_a_registry_call_does_not_wait_for_kafka() -> None:
    outbox = HangingOutbox()
    units = Units(cast(Database, FakeDatabase()), cast(Outbox, outbox), cast(Any, None))
    async with asyncio.timeout(2), units.registry(CLINIC) as unit:
        change = DoctorChanged(
            message_id=UUID(int=2), clinic_id=CLINIC, correlation_id="desk-1", actor="open", occurred_at=NOW, version=1,
            doctor_id=UUID(int=3), status=Active.ACTIVE,
        )  # fmt: skip
        unit.emit(REGISTRY_EVENTS, change)
    assert not outbox.published.done()
    outbox.answers.set()
    assert await asyncio.wait_for(outbox.published, 2) is WRITTEN
