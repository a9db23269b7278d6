"""Fixtures of tests of all four services: the services, as processes or in this one, and a client of them.

A tier's `conftest.py` takes what it needs; there the client is called `clinic`.
"""

from collections.abc import AsyncIterator, Callable
from typing import Any
from uuid import UUID

import pytest

from deploy.embedded.services import Services
from tests.support.clinic import Clinic
from tests.support.in_process import InProcess, running
from tests.support.stack import GATEWAYS, Stacks
from tests.support.transports import over_http, to_app

MAKE = "INSERT INTO clinics (id, code) VALUES ($1, $2)"
REMOVE = "DELETE FROM clinics WHERE id = $1"


@pytest.fixture
def stack(stacks: Stacks) -> Services:
    """All services as processes, two gateways and two availability among them; tests that stop one start it again."""
    return stacks.running("e2e", {"gateway": 2, "availability": 2})


@pytest.fixture
async def clinic_over_http(stack: Services) -> AsyncIterator[Clinic]:
    """A client of both gateways of the processes that the tier calls `stack`."""
    made = Clinic([over_http(stack.url(name)) for name in GATEWAYS])
    yield made
    await made.close()


@pytest.fixture
async def in_process(
    service_settings: Callable[[str], Any], superuser: Callable[..., Any], clinic_id: UUID
) -> AsyncIterator[InProcess]:
    """All services in this process, acting for a clinic of this test's own."""
    sql, code = await superuser("gateway"), f"clinic-{clinic_id}"
    await sql.execute(MAKE, clinic_id, code)
    try:
        async with running(service_settings, clinic_id, code) as services:
            yield services
    finally:
        await sql.execute(REMOVE, clinic_id)


@pytest.fixture
async def clinic_in_process(in_process: InProcess) -> AsyncIterator[Clinic]:
    """A client of their gateway."""
    made = Clinic([to_app(in_process.gateway)])
    yield made
    await made.close()
