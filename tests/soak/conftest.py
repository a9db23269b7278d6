"""Rounds of a race over two processes of each service: a few by default, a thousand by `make soak`. Figures come last."""

import os
from collections.abc import Callable

import pytest

from deploy.embedded.services import Services
from tests.support import summary
from tests.support.fixtures import clinic_over_http as clinic
from tests.support.stack import Stacks

__all__ = ["clinic"]

Tell = Callable[[str], None]
ROUNDS = int(os.environ.get("SOAK_ROUNDS", "5"))


@pytest.fixture
def stack(stacks: Stacks) -> Services:
    """The running services."""
    return stacks.running("soak", {"gateway": 2, "availability": 2, "booking": 2})


@pytest.fixture
def rounds() -> int:
    """How many rounds there are to be."""
    return ROUNDS


@pytest.fixture
def figures(request: pytest.FixtureRequest) -> Tell:
    """Notes a line for the end of the session, whatever becomes of the test."""
    return lambda line: summary.add(request.config, "races", f"{request.node.name}: {line}")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A round has two seconds, which is many times what it needs, and what goes before and after has its own."""
    for item in items:
        if item.path.parent.name == "soak":
            item.add_marker(pytest.mark.timeout(240 + 2 * ROUNDS))
