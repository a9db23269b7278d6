"""A story is what a client of the API can tell of its clinic. It is written once, and told by the services in this process (which
makes it a test of the tier `flow`) and by running ones over HTTP (`e2e`).
"""

import pytest

from tests.support.clinic import Clinic
from tests.support.fixtures import clinic_in_process, clinic_over_http, in_process, stack

__all__ = ["clinic_in_process", "clinic_over_http", "in_process", "stack"]

IN_PROCESS, STACK = "in_process", "stack"
"""The fixtures of the services that carry the requests."""


@pytest.fixture(
    scope="session",
    params=[pytest.param(IN_PROCESS, marks=pytest.mark.flow), pytest.param(STACK, marks=pytest.mark.e2e, id="http")],
)
def transport(request: pytest.FixtureRequest) -> str:
    """Which of them it is. Of the session, so that all stories on one of them come together."""
    name: str = request.param
    return name


@pytest.fixture
def clinic(transport: str, request: pytest.FixtureRequest) -> Clinic:
    """A client by this transport."""
    made: Clinic = request.getfixturevalue("clinic_in_process" if transport == IN_PROCESS else "clinic_over_http")
    return made
