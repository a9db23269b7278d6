"""A story is a test that uses the API only. Each runs twice: on all services in this process (then it is one of the tier `flow`),
and over HTTP on services that are processes (`e2e`). `--transport` chooses one.
"""

import pytest

from tests.support.clinic import Clinic
from tests.support.fixtures import clinic_in_process, clinic_over_http, in_process, stack
from tests.support.transports import HTTP, IN_PROCESS

__all__ = ["clinic_in_process", "clinic_over_http", "in_process", "stack"]

CLIENTS = {IN_PROCESS: "clinic_in_process", HTTP: "clinic_over_http"}
"""The fixtures that are clients by each transport."""


@pytest.fixture(
    scope="session", params=[pytest.param(IN_PROCESS, marks=pytest.mark.flow), pytest.param(HTTP, marks=pytest.mark.e2e)]
)
def transport(request: pytest.FixtureRequest) -> str:
    """How requests reach a gateway. Of the session, so that all stories by one transport run together."""
    name: str = request.param
    return name


@pytest.fixture
def clinic(transport: str, request: pytest.FixtureRequest) -> Clinic:
    """A client by this transport."""
    made: Clinic = request.getfixturevalue(CLIENTS[transport])
    return made
