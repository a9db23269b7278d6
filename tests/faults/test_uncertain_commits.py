"""Connections are cut in COMMIT, so that a process cannot know whether it committed: nothing is lost, nothing is done twice."""

from collections import Counter
from collections.abc import AsyncIterator
from uuid import UUID

import asyncpg
import httpx2
import pytest

from deploy import installation
from tests.faults.client import API
from tests.faults.load import SHARE, Load
from tests.faults.proxy import Cut, Cuts, Proxy, proxied
from tests.faults.rounds import TIMEOUT_SECONDS, Round, Rounds, each_round
from tests.faults.system import System

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

CONSUMERS = installation.audited()
OF_EACH = 2
"""So many commits of each service are cut in each of the two ways."""
FIRST_AFTER, GAP = round(50 * SHARE), 3
"""From so many ended commands on; at most so many commits of a service apart."""


@pytest.fixture(scope="module")
async def proxy(system: System) -> AsyncIterator[Proxy]:
    """A proxy between the services and PostgreSQL, for the tests of this module."""
    async with proxied(system.servers) as (proxy, servers), system.through(servers):
        yield proxy


@each_round
async def test_commits_are_cut(proxy: Proxy, rounds: Rounds, number: int) -> None:
    async with rounds.round("cut COMMIT", number) as played:
        load = await Load.of(played.client, played.dice)
        proxy.done.clear()
        proxy.cuts = seeded(played)
        await load.run()
        proxy.cuts = never
        for (database, where), count in proxy.done.items():
            played.tell(f"{database} {where.value} {count}")
        assert load.missing() == {}
        assert proxy.done.keys() == {(database, where) for database in CONSUMERS for where in Cut}


def never(database: str) -> None:
    """No connection is cut."""


def seeded(played: Round) -> Cuts:
    """Cuts of each service in a seeded order, a few commits apart."""
    both = [where for where in Cut for _ in range(OF_EACH)]
    planned = {database: [*played.dice.sample(both, len(both))] for database in CONSUMERS}
    passed: Counter[str] = Counter()

    def cut(database: str) -> Cut | None:
        passed[database] += played.client.ended >= FIRST_AFTER
        if not planned.get(database) or passed[database] < played.dice.randint(1, GAP):
            return None
        passed[database] = 0
        return planned[database].pop()

    return cut


@pytest.mark.parametrize("where", Cut)
async def test_a_registration_is_repeated(proxy: Proxy, rounds: Rounds, where: Cut) -> None:
    """The client is told that nobody can say; with the same key it gets the one patient that there is."""
    async with rounds.round(f"registration {where.value}") as played:
        planned = [where]
        before = await patients(rounds.system)
        proxy.cuts = lambda database: planned.pop() if planned and database == "booking" else None
        first = await register(played, where)
        assert (first.status_code, planned) == (503, []), first.text
        second = await register(played, where)
        assert second.status_code == 201, second.text
        assert await patients(rounds.system) - before == {UUID(second.json()["id"])}


async def register(played: Round, where: Cut) -> httpx2.Response:
    """Registers the round's patient, with the round's key."""
    body = {"name": f"Grace {where.value.title()}", "phone": "+44 7700 900456", "date_of_birth": "1971-12-09"}
    headers = {"Idempotency-Key": played.key}
    return await played.client.http.post(f"{API}/patients?on_duplicate=create", json=body, headers=headers)


async def patients(system: System) -> set[UUID]:
    """All patients."""
    connection = await asyncpg.connect(system.dsns["booking"])
    try:
        return {row["id"] for row in await connection.fetch("SELECT id FROM patients")}
    finally:
        await connection.close()
