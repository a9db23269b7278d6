"""Redis and PostgreSQL die in the middle of bookings; everything is stopped and started again. No outcome changes."""

import asyncio

import httpx2

from tests.faults.checks import consistent, ends, one_outcome_each
from tests.faults.client import API, TIMEOUT_SECONDS, Client, booking, bookings, today
from tests.faults.system import System


async def test_outcomes_are_the_same_without_redis(system: System, client: Client) -> None:
    doctor, patients = await client.register()
    work = asyncio.gather(*map(client.visit, bookings(doctor, patients, days=2, per_day=20)))
    await client.after(5)
    valkey = system.servers.servers.valkey
    await asyncio.to_thread(valkey.process.kill)
    assert client.ended < 40, "it died before the work was done"
    try:
        await work
    finally:
        await asyncio.to_thread(valkey.start)

    count = ends(client)
    assert (count["/appointments", 201], count["/appointments", 409]) == (20, 20)
    await one_outcome_each(client)
    await consistent(system)


async def test_nothing_is_lost_with_postgres(system: System, client: Client) -> None:
    doctor, patients = await client.register()
    work = asyncio.gather(*map(client.visit, bookings(doctor, patients, days=10)))
    await client.after(30)
    await system.crash_postgres()
    assert client.ended < 100, "it died before the work was done"
    await system.start_postgres()
    await work

    assert ends(client) == {("/appointments", 201): 100, ("/checkins", 201): 10}
    await one_outcome_each(client)
    await consistent(system)


async def test_a_key_keeps_its_answer(system: System, client: Client) -> None:
    doctor, patients = await client.register()
    first = await client.finish(booking(doctor, patients[0], today()))
    assert first.statuses == [201]
    await system.restart()

    async with httpx2.AsyncClient(base_url=system.url, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        later = Client(http)
        again = await later.send(first)
        assert again is not None
        assert (again.status_code, again.json()) == (201, first.history[0] and first.history[0].json())
        assert again.headers["Idempotent-Replayed"] == "true"

        other = booking(doctor, patients[1], today())
        other.key = first.key
        refused = await later.send(other)
        assert refused is not None
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")

        listed = await http.get(f"{API}/appointments/doctors/{doctor}/appointments")
        assert [one["id"] for one in listed.json()["items"]] == [first.result["id"]]
    await consistent(system)
