"""What a caller has given up is not done behind its back: a call ends within the budget that it says, or is undone."""

import asyncio
from typing import Any

import httpx2
import pytest

from shared.contracts import internal
from shared.infra.budget import Budget
from tests.integration.availability.availability import Availability

PATH = "/internal/categories"


@pytest.fixture
async def category(http: httpx2.AsyncClient) -> Any:
    answer = await http.post(PATH, json={"name": "Skin"})
    return answer.json()


async def test_what_waits_longer_than_its_caller_is_undone(
    http: httpx2.AsyncClient, service: Availability, category: dict[str, Any]
) -> None:
    one = f"{PATH}/{category['id']}"
    async with service.units.registry(service.clinic) as rival:
        await rival.connection.execute("UPDATE categories SET name = name WHERE id = $1", category["id"])
        headers = {internal.BUDGET: "300", "If-Match": '"v1"'}
        async with asyncio.timeout(4):  # a lock alone would be waited for five seconds
            answer = await http.patch(one, json={"name": "Hair"}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    again = await http.patch(one, json={"name": "Hair"}, headers={internal.BUDGET: "60000", "If-Match": '"v1"'})
    assert (again.status_code, again.json()["version"]) == (200, 2), "the same change, with the same tag"


async def test_what_is_done_too_late_is_not_committed(service: Availability, category: dict[str, Any]) -> None:
    budget = Budget.of(500)
    with pytest.raises(TimeoutError):
        async with service.units.registry(service.clinic, budget) as unit:
            await unit.connection.execute("UPDATE categories SET name = 'Hair' WHERE id = $1", category["id"])
            while not is_over(budget):
                await unit.connection.fetchval("SELECT pg_sleep(0.05)")
    async with service.units.registry(service.clinic) as unit:
        assert await unit.connection.fetchval("SELECT name FROM categories WHERE id = $1", category["id"]) == "Skin"


def is_over(budget: Budget) -> bool:
    """Whether nothing is left of it."""
    try:
        return budget.left_ms() <= 0
    except TimeoutError:
        return True


async def test_a_budget_that_is_none_is_refused(http: httpx2.AsyncClient) -> None:
    answer = await http.get(PATH, headers={internal.BUDGET: "0"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, internal.BUDGET)
