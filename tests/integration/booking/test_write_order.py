"""Two processes that write the same rows in opposite orders: they wait for each other, and neither is a deadlock's victim."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from shared.contracts.clinics import ClinicSettings
from shared.contracts.commands import Answer, Outcome
from shared.contracts.registry import ClinicChanged
from shared.infra import clinic_settings, outcomes
from shared.infra.errors import Outrun
from shared.infra.ids import new_id
from shared.infra.postgres import Database
from shared.infra.unit import Unit
from tests.integration.booking.booking import Booking
from tests.support.batches import until_it_waits
from tests.support.booking_messages import envelope

pytestmark = pytest.mark.integration

Write = Callable[[Unit, Sequence[UUID]], Awaitable[object]]
NOW = datetime(2026, 3, 2, tzinfo=UTC)


async def keep_settings(unit: Unit, clinics: Sequence[UUID]) -> object:
    """The settings of several clinics."""
    changes = [ClinicChanged(**envelope(one, command_id=None, version=1), code="x", settings=ClinicSettings()) for one in clinics]
    return await clinic_settings.follow(unit, changes)


async def decide(unit: Unit, commands: Sequence[UUID]) -> None:
    """Decisions of several commands, each of a clinic of its own."""
    fixed: dict[str, Any] = {"type": "x", "principal": "x", "body_hash": "x", "accepted_at": NOW, "decided_at": NOW}
    made = [Outcome(clinic_id=one, command_id=one, answer=Answer(status_code=200), **fixed) for one in commands]
    await outcomes.decide(unit.connection, made)


@pytest.mark.parametrize("write", [keep_settings, decide])
async def test_overlapping_writes_in_opposite_orders_do_not_deadlock(booking: Booking, database: Database, write: Write) -> None:
    """Both wait behind a third in the middle; when it goes they would wait for each other, were it not for one order."""
    rows = sorted(new_id() for _ in range(9))

    async def written(order: Sequence[UUID]) -> None:
        async with booking.units.batch(set(rows)) as unit:
            await write(unit, order)

    async with booking.units.batch(set(rows)) as unit:
        await write(unit, [rows[4]])
        rivals = asyncio.gather(written(rows), written(rows[::-1]), return_exceptions=True)
        await until_it_waits(database, 2)
    assert all(ended is None or isinstance(ended, Outrun) for ended in await rivals)
