"""Every process is stopped and started again, services and servers: a key keeps its answer."""

import asyncio

import pytest

from tests.faults.client import API
from tests.faults.load import booking, bookings
from tests.faults.rounds import TIMEOUT_SECONDS, Rounds
from tests.support.dates import in_days

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)


async def test_a_key_keeps_its_answer(rounds: Rounds) -> None:
    async with rounds.round("restart") as played:
        client = played.client
        [doctor], patients = await client.register()
        await asyncio.gather(*map(client.finish, bookings(doctor, patients, days=3, per_day=12)))
        await rounds.system.restart()
        played.tell("everything restarted")

        first = client.commands[0]
        again = await client.post(first)
        assert again is not None
        assert (again.status_code, again.json()) == (first.ended.status, first.ended.json)
        assert again.headers["Idempotent-Replayed"] == "true"
        other = booking(doctor, patients[-1], in_days())
        other.key = first.key
        refused = await client.http.post(f"{API}{other.path}", json=other.body, headers={"Idempotency-Key": other.key})
        assert (refused.status_code, refused.json()["code"]) == (422, "key_reused")
        await client.one_look_each()
