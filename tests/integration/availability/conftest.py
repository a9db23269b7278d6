"""Availability's database, the service on it for a clinic of the test's own, and its HTTP."""

from collections.abc import AsyncIterator, Callable
from typing import cast
from uuid import UUID

import httpx2
import pytest

from services.availability.app import create_app
from services.availability.settings import Settings
from shared.contracts import internal
from shared.infra.day_locks import DayLocks
from shared.infra.postgres import Database
from shared.infra.runtime import Runtime
from tests.integration.availability.availability import Availability


@pytest.fixture
async def database(service_settings: Callable[[str], Settings]) -> AsyncIterator[Database]:
    """Both pools of availability's database, as its process has them."""
    database = await Database.connect(service_settings("availability").postgres, "test-availability")
    yield database
    await database.close()


@pytest.fixture
async def service(database: Database, clinic_id: UUID) -> Availability:
    """Availability for the test's own clinic, of which it has heard."""
    made = Availability(database, clinic_id)
    await made.make_known()
    return made


@pytest.fixture
async def http(
    service_settings: Callable[[str], Settings], runtime: Callable[..., Runtime], service: Availability
) -> AsyncIterator[httpx2.AsyncClient]:
    """HTTP of an application on the real database, acting for the clinic of the test. What it emits goes to a list."""
    app = create_app(service_settings("availability"))
    connected: Runtime = await runtime("availability")  # type: ignore[misc]
    connected.units, connected.locks = service.units, cast(DayLocks, service.locks)
    app.state.runtime = connected
    headers = {internal.CLINIC: str(service.clinic), internal.PRINCIPAL: "open", internal.ACTOR: "open"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://availability", headers=headers) as client:
        yield client
