"""An upgrade while clients book, hold, move, cancel and check in: service by service, forwards and back again, in several orders.

The last release and the present code run beside each other, two processes of each service. Nothing is lost, nothing becomes a
dead letter, and the checker finds nothing.
"""

import asyncio
import itertools
import os
from collections.abc import Iterator, Sequence
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
ORDERS = list(itertools.permutations(installation.names())) if os.environ.get("UPGRADE") == "all" else SOME


@pytest.fixture(scope="module")
def last() -> Release:
    """The last release. A clone without its commit fails here, and says what to fetch."""
    return releases.last()


@pytest.fixture(scope="module")
def system(last: Release) -> Iterator[Mixed]:
    """A system that runs from the last release."""
    with running_mixed(last) as running:
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
            for release, services in ((releases.present(), order), (last, order[::-1])):
                await all_replaced(system, services, release)
                played.tell(f"all of {release.version}")
            upgraded.set()

        await played.together(load_until(upgraded, played), upgrade())


async def load_until(upgraded: asyncio.Event, played: Round) -> None:
    """One load after the other, each on doctors of its own, until the last process is replaced."""
    while not upgraded.is_set():
        load = await Load.of(played.client, played.dice)
        await load.run()
