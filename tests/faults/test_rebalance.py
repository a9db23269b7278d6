"""A process joins and leaves its group while batches are held at row locks: partitions move, two processes run the same messages.

The inbox and the constraints decide which of them has the effect.
"""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from uuid import UUID

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient

from tests.faults.load import booking
from tests.faults.rounds import TIMEOUT_SECONDS, Round, Rounds, each_round
from tests.faults.system import System
from tests.support.dates import in_days
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

GROUP, STAYS, MOVES = "availability", "availability", "availability-2"
DOCTORS, A_DAY = 16, 4
"""So many days are spread over all partitions."""
WITHIN_SECONDS = 60.0
LOCK = "SELECT FROM days WHERE doctor_id = ANY($1::uuid[]) ORDER BY clinic_id, doctor_id, date FOR UPDATE"
WAITING = """
SELECT DISTINCT application_name FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@each_round
@pytest.mark.parametrize("leave", ["crash", "stop"])
async def test_joins_and_leaves_in_mid_batch(rounds: Rounds, leave: str, number: int) -> None:
    async with rounds.round(f"rebalance {leave}", number) as played:
        system, client = rounds.system, played.client
        doctors, patients = await client.register(DOCTORS)
        await book(played, doctors, patients[:1])

        await system.stop(MOVES)
        async with held(system, doctors):
            joined = asyncio.ensure_future(book(played, doctors, patients[:A_DAY]))
            await eventually(lambda: waiting(system, STAYS), within_seconds=WITHIN_SECONDS)
            await system.start(MOVES)
            await eventually(lambda: waiting(system, STAYS, MOVES), within_seconds=WITHIN_SECONDS)
            played.tell(f"{MOVES} joined")
        await joined

        async with held(system, doctors):
            left = asyncio.ensure_future(book(played, doctors, patients[:A_DAY]))
            await eventually(lambda: waiting(system, STAYS, MOVES), within_seconds=WITHIN_SECONDS)
            await getattr(system, leave)(MOVES)
            await eventually(lambda: members(system, 1), within_seconds=WITHIN_SECONDS)
            played.tell(f"{MOVES} left")
        await left
        await system.start(MOVES)
        assert client.ends() == {("book", 201): DOCTORS * (1 + 2 * A_DAY)}


async def book(played: Round, doctors: Sequence[str], patients: Sequence[str]) -> None:
    """Books tomorrow for each of the patients with each of the doctors; those under way at once are on all partitions."""
    tomorrow = in_days(1)
    commands = [booking(doctor, patient, tomorrow) for patient in patients for doctor in doctors]
    await asyncio.gather(*map(played.client.finish, commands))


@asynccontextmanager
async def held(system: System, doctors: Sequence[str]) -> AsyncIterator[None]:
    """Somebody else holds the doctors' days: whoever wants to take a slot waits."""
    connection = await asyncpg.connect(system.dsns["availability"])
    try:
        async with connection.transaction():
            await connection.execute(LOCK, [UUID(doctor) for doctor in doctors])
            yield
    finally:
        await connection.close()


async def waiting(system: System, *instances: str) -> bool:
    """Whether these processes all wait for a lock now."""
    connection = await asyncpg.connect(system.dsns["availability"])
    try:
        return {row["application_name"] for row in await connection.fetch(WAITING)} >= set(instances)
    finally:
        await connection.close()


async def members(system: System, count: int) -> bool:
    """Whether the group has settled on so many members."""
    admin = AIOKafkaAdminClient(bootstrap_servers=system.servers.kafka_bootstrap)
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([GROUP])
    finally:
        await admin.close()
    [group] = answer.to_object()["groups"]
    return group["state"] == "Stable" and len(group["members"]) == count
