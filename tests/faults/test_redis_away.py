"""Redis is flushed, stands still and is killed in the middle of bookings. Only speed may change by it, never an outcome."""

import asyncio
import time

import pytest
from redis.asyncio import Redis

from tests.faults.load import bookings
from tests.faults.rounds import TIMEOUT_SECONDS, Rounds, each_round

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

DAYS, A_DAY = 5, 40
FLUSHED_AFTER, FROZEN_FROM, FROZEN_TO, KILLED_AFTER = 20, 70, 140, 150
FROZEN_SECONDS = 2.0


@each_round
async def test_outcomes_are_the_same_without_redis(rounds: Rounds, number: int) -> None:
    async with rounds.round("redis", number) as played:
        client, system = played.client, rounds.system
        [doctor], patients = await client.register()
        commands = bookings(doctor, patients, DAYS, A_DAY)
        # Day by day, so that in each stretch there are places to give.
        commands.sort(key=lambda command: str(command.body["date"]))

        work = asyncio.gather(*map(client.finish, commands[:FROZEN_FROM]))
        await client.after(ended=FLUSHED_AFTER)
        async with Redis.from_url(system.servers.redis_url) as redis:
            await redis.flushall()
        played.tell("redis flushed")
        await work
        async with system.frozen("redis"):
            played.tell("redis frozen")
            until = time.monotonic() + FROZEN_SECONDS
            await asyncio.gather(*map(client.finish, commands[FROZEN_FROM:FROZEN_TO]))
            await asyncio.sleep(max(0.0, until - time.monotonic()))
        work = asyncio.gather(*map(client.finish, commands[FROZEN_TO:]))
        await client.after(ended=KILLED_AFTER)
        await system.crash("redis")
        played.tell("redis killed")
        assert client.ended < len(commands), "it died before the work was done"
        await work
        assert client.ends() == {("book", 201): DAYS * 10, ("book", 409): DAYS * (A_DAY - 10)}
