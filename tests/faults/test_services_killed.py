"""`kill -9` of each service in the middle of 200 bookings and 10 check-ins."""

import asyncio

import pytest

from tests.faults.checks import consistent, ends, one_outcome_each
from tests.faults.client import API, Client, bookings, today
from tests.faults.system import System

DAYS = 20
KILL_AFTER = 60


@pytest.mark.parametrize("service", ["availability", "booking", "queue", "gateway"])
async def test_every_command_has_one_outcome(system: System, client: Client, service: str) -> None:
    doctor, patients = await client.register()
    work = asyncio.gather(*map(client.visit, bookings(doctor, patients, DAYS)))
    await client.after(KILL_AFTER)
    await system.crash(service)
    assert client.ended < 200, "the service died before the work was done"
    await system.start(service)
    await work

    assert ends(client) == {("/appointments", 201): 200, ("/checkins", 201): 10}
    places = {(one.result["date"], one.result["slot"]) for one in client.commands if one.path == "/appointments"}
    assert len(places) == 200, "every place was given once"
    await one_outcome_each(client)
    queue = await client.http.get(f"{API}/checkins/doctors/{doctor}/queue", params={"date": today().isoformat()})
    assert [entry["position"] for entry in queue.json()["items"]] == list(range(1, 11))
    await consistent(system)
