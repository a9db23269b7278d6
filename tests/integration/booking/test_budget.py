"""Who waits for a clinic's registrations waits as long as its caller does: then it is told so, and a repeat is safe."""

import asyncio
import datetime as dt
from uuid import uuid4

from httpx2 import AsyncClient, Response

from services.booking.repository import patient_locks
from shared.contracts import internal
from shared.infra.budget import Budget
from shared.infra.caller import Caller
from shared.infra.repeats import stored_answer
from shared.infra.unit import RegistryUnit
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA, count

AT_ONCE = 50
"""More than there are sessions."""


async def within(client: AsyncClient, key: object, budget_ms: int) -> Response:
    headers = {internal.COMMAND_ID: str(key), internal.BUDGET: str(budget_ms)}
    return await client.post("/internal/patients", json=ADA, headers=headers, params={"on_duplicate": "create"})


async def test_fifty_that_wait_for_a_clinic_are_told_in_time_and_their_repeats_are_one_patient(
    client: AsyncClient, booking: Booking
) -> None:
    keys = [uuid4() for _ in range(AT_ONCE)]
    async with booking.database.batch({booking.clinic}) as (rival, _):
        await patient_locks.lock_clinic(rival, booking.clinic)
        async with asyncio.timeout(5):  # one after the other they would wait for seven seconds
            refused = await asyncio.gather(*(within(client, key, 1_000) for key in keys))
    assert {(answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) for answer in refused} == {
        (503, "unavailable", "2")
    }
    assert (await count(booking), await count(booking, "outcomes"), await count(booking, "audit")) == (0, 0, 0)
    again = await asyncio.gather(*(within(client, key, 60_000) for key in keys))
    assert sorted(answer.status_code for answer in again) == [200] * (AT_ONCE - 1) + [201]
    assert len({answer.json()["id"] for answer in again}) == 1


class PassingBudget(Budget):
    """Half of which is gone at each look."""

    def left_ms(self) -> int:
        object.__setattr__(self, "ends_at", self.ends_at - super().left_ms() / 2000)
        return super().left_ms()


async def test_what_waited_for_its_key_waits_for_a_lock_so_much_less(booking: Booking) -> None:
    budget = PassingBudget.of(60_000)
    caller = Caller(booking.clinic, "desk", "desk", uuid4(), "req-1", budget=budget)
    async with booking.units.registry(booking.clinic, budget) as unit:
        at_first = await longest_wait(unit)
        await stored_answer(unit, caller, "00")
        assert await longest_wait(unit) < at_first
    async with booking.units.registry(booking.clinic) as unit:
        at_first = await longest_wait(unit)
        await stored_answer(unit, caller, "00")
        assert await longest_wait(unit) == at_first, "nobody says how long"


async def longest_wait(unit: RegistryUnit) -> dt.timedelta:
    """After which time the server ends a statement of the transaction."""
    limit: dt.timedelta = await unit.connection.fetchval("SELECT current_setting('statement_timeout')::interval")
    return limit
