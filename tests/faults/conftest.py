"""One system for all fault tests of a worker: what a test leaves dead the next one starts. A table of the rounds ends the run."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.rounds import HEAD, SEED, Rounds
from tests.faults.system import System, running_system
from tests.support import summary


@pytest.fixture(scope="package")
def system() -> Iterator[System]:
    """The system that is broken and mended; gone before the next tier's tests, which need the machine."""
    with running_system() as running:
        yield running


@pytest.fixture
def rounds(system: System, request: pytest.FixtureRequest, tmp_path: Path) -> Rounds:
    """Plays rounds on the system; their histories stay in pytest's folder."""

    def tell(row: Sequence[str]) -> None:
        for cells in (HEAD, row):
            summary.add(request.config, f"rounds of FAULT_SEED={SEED}", *cells)

    return Rounds(system, tmp_path, tell)
