"""What registry calls of availability cost: as many statements of the server as are pinned, of one call by HTTP.

A call that changes a calendar reads settings and calendar once. Rules begin tomorrow, so that no count depends on the hour.
"""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.availability.app import create_app
from shared.contracts import internal
from tests.integration.availability.availability import every_day
from tests.integration.costs.consumer import Cost
from tests.integration.costs.pinned import CALLS
from tests.support import rows
from tests.support.dates import in_days
from tests.support.statements import calls_during

Call = Callable[[], Awaitable[httpx2.Response]]

ADDRESS = {"address": "1 High Street", "time_zone": "Europe/London"}


@pytest.fixture
async def http(
    service_settings: Callable[[str], Any], runtime: Callable[..., Any], superuser: Callable[..., Any], clinic_id: UUID
) -> AsyncIterator[httpx2.AsyncClient]:
    """HTTP of availability on the real database, acting for the clinic of the test."""
    app = create_app(service_settings("availability"))
    app.state.runtime = await runtime("availability")
    await rows.make_known(await superuser("availability"), clinic_id)
    headers = {internal.CLINIC: str(clinic_id), internal.PRINCIPAL: "open", internal.ACTOR: "open"}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://availability", headers=headers) as client:
        yield client


class Doctor:
    """A registered doctor with a location, and the calls that change the calendar."""

    def __init__(self, http: httpx2.AsyncClient, view: dict[str, Any]) -> None:
        self._http, self._path, self._location = http, f"/internal/doctors/{view['id']}", view["locations"][0]["id"]
        self._exception = ""

    async def schedule(self, start: str = "09:00") -> httpx2.Response:
        entries = every_day(start, "12:00", location_id=self._location, valid_from=str(in_days(1)))
        return await self._http.put(f"{self._path}/schedule", json={"entries": entries})

    async def other_schedule(self) -> httpx2.Response:
        return await self.schedule("10:00")

    async def try_closing(self) -> httpx2.Response:
        return await self._close(dry_run=True)

    async def close(self) -> httpx2.Response:
        made = await self._close(dry_run=False)
        self._exception = made.json()["id"]
        return made

    async def _close(self, *, dry_run: bool) -> httpx2.Response:
        body = {"kind": "closed", "from": str(in_days(2)), "to": str(in_days(3))}
        return await self._http.post(f"{self._path}/exceptions", json=body, params={"dry_run": dry_run})

    async def end_closing(self) -> httpx2.Response:
        return await self._http.delete(f"{self._path}/exceptions/{self._exception}")

    async def move_location(self) -> httpx2.Response:
        location = {**ADDRESS, "id": self._location, "time_zone": "Asia/Kathmandu"}
        return await self._http.patch(self._path, json={"locations": [location]})

    async def close_day(self) -> httpx2.Response:
        return await self._http.post(f"{self._path}/availability", json={"date": str(in_days(5)), "available": False})

    async def make_day(self) -> httpx2.Response:
        return await self._http.post(f"{self._path}/availability", json={"date": str(in_days(90))})

    async def delete(self) -> httpx2.Response:
        return await self._http.delete(self._path)


async def doctor(http: httpx2.AsyncClient) -> Doctor:
    made = await http.post("/internal/doctors", json={"name": "Ada", "locations": [ADDRESS]})
    assert made.status_code == 201, made.text
    return Doctor(http, made.json())


def calls_of(one: Doctor) -> dict[str, Call]:
    """All kinds of calls, in an order in which each has something to do."""
    return {
        "first schedule": one.schedule,
        "the same schedule": one.schedule,
        "another schedule": one.other_schedule,
        "dry run of closed dates": one.try_closing,
        "closed dates": one.close,
        "end of closed dates": one.end_closing,
        "another zone of a location": one.move_location,
        "a day that is closed": one.close_day,
        "a day that is made": one.make_day,
        "a doctor who is deleted": one.delete,
    }


async def test_a_call_costs_what_is_pinned(http: httpx2.AsyncClient, superuser: Callable[..., Any]) -> None:
    for call in calls_of(await doctor(http)).values():  # a connection asks for types that it meets for the first time
        await call()
    server, costs = await superuser("availability"), dict[str, Cost]()
    for name, call in calls_of(await doctor(http)).items():
        costs[name] = Cost(Counter(), await calls_during(server, "availability_app", _succeeds(call)))
    found, pinned = {name: cost.statements.total() for name, cost in costs.items()}, CALLS["availability"]
    assert found == pinned, "\n\n".join(f"{name}\n{cost}" for name, cost in costs.items() if found[name] != pinned.get(name))


async def _succeeds(call: Call) -> None:
    answer = await call()
    assert answer.is_success, answer.text
