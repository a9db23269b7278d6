"""`/integration-test`: a whole round through the running services, any number at once, and nothing of it stays.

It is there in the environment of integration tests and nowhere else, which `test_system.py` shows.
"""

import asyncio
import json
from pathlib import Path

import asyncpg
import httpx2
import pytest

from deploy.embedded.services import Services
from tests.support.servers import Databases
from tests.support.stack import Stacks

SECONDS = 100.0
PATH = "/integration-test"
LIVE = {
    "availability": (
        "SELECT count(*) FROM doctors WHERE name LIKE 'Dr Round %' AND status = 'active'",
        "SELECT count(*) FROM categories WHERE name LIKE 'Category %'",
        "SELECT count(*) FROM price_ranges WHERE name LIKE 'Prices %'",
        "SELECT count(*) FROM slots s JOIN doctors d ON d.id = s.doctor_id WHERE d.name LIKE 'Dr Round %'",
    ),
    "booking": (
        "SELECT count(*) FROM patients WHERE status = 'active'",
        "SELECT count(*) FROM appointments WHERE status NOT IN ('cancelled')",
    ),
}
"""What a round could leave; patients have no name that could be looked for, so all of the session's are counted."""
ROUNDS_AT_ONCE = 3


@pytest.fixture
def testing(stacks: Stacks) -> Services:
    """Services of which the gateways know that they may be tried out."""
    return stacks.running("integration-test", {"gateway": 2}, {"ENVIRONMENT": "integration-test"})


async def left(databases: Databases) -> dict[str, int]:
    """What there is of that which rounds make."""
    found: dict[str, int] = {}
    for service, looks in LIVE.items():
        connection = await asyncpg.connect(databases.superuser(service))
        try:
            found |= {look: await connection.fetchval(look) for look in looks}
        finally:
            await connection.close()
    return found


async def test_rounds_pass_again_and_at_once_and_leave_nothing(testing: Services, databases: Databases) -> None:
    before = await left(databases)
    urls = [testing.url(("gateway", "gateway-2")[number % 2]) for number in range(ROUNDS_AT_ONCE)]
    async with httpx2.AsyncClient(timeout=SECONDS) as client:
        first = await client.get(f"{testing.url('gateway')}{PATH}")
        answers = [first, *await asyncio.gather(*(client.get(f"{url}{PATH}") for url in urls))]
    for answer in answers:
        done = answer.json()
        assert (answer.status_code, done["status"]) == (200, "ok"), answer.text
        steps = {step["name"]: step["status"] for step in done["steps"]}
        assert (steps["book"], steps["cancel"], steps["change the patient, stale"], steps["delete the doctor"]) == (
            201,
            200,
            412,
            204,
        )
        assert all(step["milliseconds"] > 0 for step in done["steps"])
    assert await left(databases) == before


async def test_the_route_is_in_no_document(testing: Services) -> None:
    async with httpx2.AsyncClient(base_url=testing.url("gateway"), timeout=SECONDS) as client:
        assert PATH not in (await client.get("/openapi.json")).json()["paths"]
    committed = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
    assert PATH not in committed["paths"]
