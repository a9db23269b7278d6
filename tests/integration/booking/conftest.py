"""Booking's database, booking for one clinic, and its HTTP application."""

from collections.abc import AsyncIterator, Callable
from types import SimpleNamespace
from uuid import UUID

import pytest
import pytest_asyncio
from httpx2 import ASGITransport, AsyncClient

from services.booking.identifiers import Codec
from services.booking.routes import routers
from shared.contracts import internal
from shared.infra.api import add_routes, create_api
from shared.infra.health import Readiness
from shared.infra.postgres import Database
from shared.infra.settings import ServiceSettings
from tests.integration.booking.booking import Booking


@pytest_asyncio.fixture
async def database(service_settings: Callable[[str], ServiceSettings]) -> AsyncIterator[Database]:
    """Both pools of booking's database, as its process has them."""
    database = await Database.connect(service_settings("booking").postgres, "test-booking")
    yield database
    await database.close()


@pytest.fixture
async def booking(database: Database, clinic_id: UUID) -> Booking:
    """Booking for the test's own clinic, of which it has heard."""
    made = Booking(database, clinic_id)
    await made.make_known()
    return made


@pytest_asyncio.fixture
async def client(booking: Booking) -> AsyncIterator[AsyncClient]:
    """Booking's internal HTTP, called for the test's clinic. Kafka is a list."""
    app = create_api("booking", "booking", "0", Readiness({}), docs=False)
    app.state.runtime = SimpleNamespace(units=booking.units)
    app.state.codec = Codec(b"a key of the tests")
    add_routes(app, *routers)
    headers = {internal.CLINIC: str(booking.clinic), internal.ACTOR: "desk", internal.PRINCIPAL: "desk"}
    async with AsyncClient(transport=ASGITransport(app), base_url="http://booking", headers=headers, timeout=30) as client:
        yield client
