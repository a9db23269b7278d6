"""One system for all fault tests: what a test leaves dead the next one starts. The table of the rounds ends the run."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.rounds import SEED, Round, Rounds, table
from tests.faults.system import System, running_system

PLAYED = pytest.StashKey[list[Round]]()


@pytest.fixture(scope="package")
def system() -> Iterator[System]:
    """The system that is broken and mended; gone before the next tier's tests, which need the machine."""
    with running_system() as running:
        yield running


@pytest.fixture
def rounds(system: System, request: pytest.FixtureRequest, tmp_path: Path) -> Rounds:
    """Plays rounds on the system; their histories stay in pytest's folder."""
    return Rounds(system, tmp_path, request.config.stash.setdefault(PLAYED, []))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What each round came to."""
    if played := config.stash.get(PLAYED, []):
        terminalreporter.section(f"rounds of FAULT_SEED={SEED}")
        for line in table(played):
            terminalreporter.write_line(line)
