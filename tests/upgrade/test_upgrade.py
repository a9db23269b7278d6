"""An upgrade while clients book, hold, move, cancel and check in: service by service, forwards and back again, in several orders.

It goes as `docs/operations.md` tells operators. The last release runs on its own schema; its databases are brought to the newest
one under it; then the last release and the present code run beside each other, two processes of each service. Nothing is lost,
nothing becomes a dead letter, and the checker finds nothing.
"""

import asyncio
import itertools
import os
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from deploy import installation
from tests.faults.load import Load
from tests.faults.rounds import HEAD, Round, Rounds
from tests.support import summary
from tests.upgrade import releases
from tests.upgrade.mixed import Mixed, all_replaced, running_mixed
from tests.upgrade.releases import Release

pytestmark = [pytest.mark.timeout(1_200)]

READERS_FIRST = ("queue", "booking", "availability", "gateway")
"""Who says most comes last."""
SOME = [READERS_FIRST, READERS_FIRST[::-1]]
A_WHILE = 40
"""So many commands end on the old schema, and as many on the new one, before the first process is replaced."""
ORDERS = list(itertools.permutations(installation.names())) if os.environ.get("UPGRADE") == "all" else SOME


@pytest.fixture(scope="module")
def last() -> Release:
    """The last release. A clone without its commit fails here, and says what to fetch."""
    return releases.last()


@pytest.fixture(scope="module")
async def system(last: Release) -> AsyncIterator[Mixed]:
    """A system that runs from the last release, on the schema of that release."""
    with running_mixed(last) as running:
        assert await running.revisions() == last.revisions()
        yield running


@pytest.fixture
def rounds(system: Mixed, request: pytest.FixtureRequest, tmp_path: Path) -> Rounds:
    """Plays rounds on the system."""

    def tell(row: Sequence[str]) -> None:
        for cells in (HEAD, row):
            summary.add(request.config, "upgrades", *cells)

    return Rounds(system, tmp_path, tell)


@pytest.mark.parametrize("order", ORDERS, ids=" ".join)
async def test_forwards_and_back_again(rounds: Rounds, system: Mixed, last: Release, order: tuple[str, ...]) -> None:
    async with rounds.round(f"upgrade {' '.join(order)}") as played:
        upgraded = asyncio.Event()

        async def upgrade() -> None:
            await migrated(system, played)
            for release, services in ((releases.present(), order), (last, order[::-1])):
                await all_replaced(system, services, release)
                played.tell(f"all of {release.version}")
            upgraded.set()

        await played.together(load_until(upgraded, played), upgrade())


async def migrated(system: Mixed, played: Round) -> None:
    """The databases first, while all processes are of the last release. In every order but the first they are there already."""
    await played.client.after(ended=A_WHILE)
    await system.migrate()
    assert await system.revisions() == releases.present().revisions()
    played.tell("newest schema")
    await played.client.after(ended=played.client.ended + A_WHILE)


async def load_until(upgraded: asyncio.Event, played: Round) -> None:
    """One load after the other, each on doctors of its own, until the last process is replaced."""
    while not upgraded.is_set():
        load = await Load.of(played.client, played.dice)
        await load.run()
