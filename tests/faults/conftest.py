"""One system for all fault tests of a worker: what a test leaves dead the next one starts. A table of the rounds ends the run."""

from collections.abc import AsyncIterator, Generator, Iterator, Sequence
from pathlib import Path

import pytest

from tests.faults.evidence import Evidence, repeated_by
from tests.faults.mutants.stage import Client, Stage, client_of, running_stage
from tests.faults.rounds import HEAD, SEED, Rounds
from tests.faults.system import System, running_system
from tests.support import summary


@pytest.fixture(scope="package")
def system() -> Iterator[System]:
    """The system that is broken and mended; gone before the next tier's tests, which need the machine."""
    with running_system() as running:
        yield running


@pytest.fixture(scope="package")
def stage() -> Iterator[Stage]:
    """A system of sound services that can be stopped at points, and that may be mutants for a while."""
    with running_stage() as running:
        yield running


@pytest.fixture
async def client(stage: Stage, evidence: Evidence) -> AsyncIterator[Client]:
    """A client with doctors of its own: what a mutant did to another test's is left out of account."""
    evidence.logs = stage.logs
    async with client_of(stage, evidence.history) as registered:
        yield registered


EVIDENCE = pytest.StashKey[Evidence]()


@pytest.fixture
def evidence(request: pytest.FixtureRequest, tmp_path: Path) -> Evidence:
    """What is kept of the test if it fails."""
    made = request.node.stash[EVIDENCE] = Evidence(tmp_path)
    return made


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failure says where its evidence is, and how to play the same again."""
    report = yield
    evidence = item.stash.get(EVIDENCE, None)
    if report.failed and report.when == "call" and evidence:
        lines = f"evidence: {evidence.keep(item.nodeid)}", f"again:    {repeated_by(item.nodeid)}"
        report.sections.append((f"FAULT_SEED={SEED}", "\n".join(lines)))
    return report


@pytest.fixture
def rounds(system: System, request: pytest.FixtureRequest, evidence: Evidence) -> Rounds:
    """Plays rounds on the system."""
    evidence.logs = system.servers.logs

    def tell(row: Sequence[str]) -> None:
        for cells in (HEAD, row):
            summary.add(request.config, f"rounds of FAULT_SEED={SEED}", *cells)

    return Rounds(system, evidence.histories, tell)
