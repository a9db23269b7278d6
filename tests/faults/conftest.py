"""Each module of fault tests has a system of its own: what one kills, no other misses."""

from collections.abc import AsyncIterator, Iterator

import httpx2
import pytest

from tests.faults.client import TIMEOUT_SECONDS, Client
from tests.faults.system import System, running_system


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """The module's own system."""
    with running_system() as running:
        yield running


@pytest.fixture
async def client(system: System) -> AsyncIterator[Client]:
    """A client with a history of its own."""
    async with httpx2.AsyncClient(base_url=system.url, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        yield Client(http)
