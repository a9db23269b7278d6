"""One composed system for the session, started as the README says. Needs Docker: `make test` leaves this folder out."""

from collections.abc import AsyncIterator, Iterator

import pytest

from deploy.embedded.ports import any_free
from tests.checker.history import History
from tests.compose.project import COMMAND_SECONDS, Project
from tests.faults.client import Client, client_of
from tests.support.readme import typed_lines

UP, UPGRADE, SCALE, TOOLS, PSQL, DOWN, INTEGRATION = range(7)
END_SECONDS = 300.0


@pytest.fixture(scope="session")
def lines() -> list[str]:
    """What the README says is to be typed."""
    return typed_lines("With Docker")


@pytest.fixture(scope="session")
def project(lines: list[str]) -> Iterator[Project]:
    """The running system, built and started by the README's first line."""
    made = Project(any_free())
    made.run(("docker", "compose", "version"), COMMAND_SECONDS)
    try:
        made.type(lines[UP])
        yield made
    finally:
        made.remove()


@pytest.fixture
async def client(project: Project, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Client]:
    """A client that keeps its keys and repeats until its commands ended; a container takes longer to come back than a process."""
    monkeypatch.setattr("tests.faults.client.END_WITHIN_SECONDS", END_SECONDS)
    async with client_of([project.url], History()) as made:
        yield made
