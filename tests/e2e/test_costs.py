"""What one command costs the whole system in messages and round trips, counted from outside: no more than is pinned."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import httpx2
import pytest
from redis.asyncio import Redis

from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from shared.contracts.topics import ALL_TOPICS
from tests.integration.costs.pinned import MESSAGES, ROUND_TRIPS
from tests.support.clinic import Clinic, in_days, today
from tests.support.kafka import ends_of
from tests.support.statements import calls_of
from tests.support.transports import TLS

COMMANDS = 8
"""With the two bookings before them as many as a day has places."""
CONNECTING = ("current_setting($1) AS cur", "set_config($2, $1, $3)", "typeinfo_tree")
"""Parts of what the driver asks on each new connection: the pool makes one when two of a gateway's own jobs meet."""
BESIDE = ("BEGIN", "COMMIT", "advisory", "outbox", "clock_timestamp", "SELECT $1", "FROM clinics WHERE code", *CONNECTING)
"""Parts of what a gateway's clock, relay, probes and copy of its clinic run whether anybody books or not."""
CALLS = re.compile(r'^frontdesk_http_requests_total\{.*route="/internal/(?!commands).*\} (\S+)$', re.MULTILINE)
"""Calls of owners. Looks at open commands are left out: they come to commands that take a second on a busy machine."""
SKIPPED = re.compile(r"^frontdesk_locks_skipped_total (\S+)$", re.MULTILINE)
"""Locks that a batch went without: a Redis that failed, or took too long, is left alone for a second."""

Ask = Callable[[int], Awaitable[httpx2.Response]]


class Counts:
    """Everything that is counted, as it stands now."""

    def __init__(
        self, services: Services, servers: Backend, gateway: "asyncpg.Connection[asyncpg.Record]", redis: "Redis"
    ) -> None:
        self._services, self._servers, self._gateway, self._redis = services, servers, gateway, redis

    async def messages(self) -> Counter[str]:
        """Where the topics end."""
        counts = Counter[str]()
        for partition, end in (await ends_of(self._servers.kafka_bootstrap, ALL_TOPICS)).items():
            counts[partition.topic] += end
        return counts

    async def round_trips(self) -> Counter[str]:
        """Round trips to whom."""
        asked: Any = await self._redis.info("commandstats")
        statements = await calls_of(self._gateway, "gateway_app")
        return Counter(
            {
                "redis": sum(asked.get(f"cmdstat_{name}", {"calls": 0})["calls"] for name in ("evalsha", "exists")),
                "gateway.postgres": sum(n for text, n in statements.items() if not any(part in text for part in BESIDE)),
                "owners": await self._told(CALLS),
            }
        )

    async def skipped(self) -> int:
        """Locks of all processes."""
        return await self._told(SKIPPED)

    async def _told(self, metric: re.Pattern[str]) -> int:
        """The sum of all that the processes tell of it."""
        told = 0.0
        async with httpx2.AsyncClient(verify=TLS, timeout=30) as client:
            for service in self._services:
                text = (await client.get(f"{service.url}/metrics")).text
                told += sum(float(found[1]) for found in metric.finditer(text))
        return int(told)


@pytest.fixture
async def counts(stack: Services, servers: Backend, superuser: Callable[..., Any]) -> AsyncIterator[Counts]:
    redis = Redis.from_url(servers.redis_url)
    yield Counts(stack, servers, await superuser("gateway"), redis)
    await redis.aclose()


@asynccontextmanager
async def costing(counts: Counts, name: str) -> AsyncIterator[None]:
    """Fails unless the commands of the block cost what is pinned under this name."""
    messages, round_trips, skipped = await counts.messages(), await counts.round_trips(), await counts.skipped()
    yield
    assert await counts.messages() - messages == of_all(MESSAGES[name]), name
    found, pinned = await counts.round_trips() - round_trips, of_all(ROUND_TRIPS[name])
    if await counts.skipped() > skipped:
        pinned["redis"] = min(found["redis"], pinned["redis"])
    assert found == pinned, name


def of_all(pinned: dict[str, int]) -> Counter[str]:
    """What all commands of a block cost."""
    return Counter({what: number * COMMANDS for what, number in pinned.items()})


async def all_of(ask: Ask, status: int) -> list[httpx2.Response]:
    """One command after the other: several at once could share a round trip."""
    answers = [await ask(number) for number in range(COMMANDS)]
    assert {answer.status_code for answer in answers} == {status}, answers[0].text
    return answers


async def test_a_command_costs_the_messages_and_round_trips_that_are_pinned(clinic: Clinic, counts: Counts) -> None:
    date, patient = today(), await clinic.patient()
    doctor, full = await clinic.doctor(date, COMMANDS + 2), await clinic.doctor(date, 1)
    for known in (doctor, doctor, full, full):  # both gateways hear of everybody, and Redis of the locks' scripts
        await clinic.book(known, patient, date)
    seen = await counts.round_trips()
    assert all(seen[who] > 0 for who in ("redis", "gateway.postgres", "owners")), "a counter that sees nothing pins nothing"
    async with costing(counts, "booking"):
        booked = await all_of(lambda number: clinic.book(doctor, patient, date, f"costs-{doctor}-{number}"), 201)
    async with costing(counts, "repeated booking"):
        await all_of(lambda number: clinic.book(doctor, patient, date, f"costs-{doctor}-{number}"), 201)
    async with costing(counts, "refused booking"):
        await all_of(lambda _: clinic.book(full, patient, date), 409)
    ids = [str(answer.json()["id"]) for answer in booked]
    async with costing(counts, "check-in"):
        await all_of(lambda number: clinic.check_in(ids[number], patient), 201)
    tomorrow = [(await clinic.booked(doctor, patient, in_days(number + 1)))["id"] for number in range(COMMANDS)]
    async with costing(counts, "cancellation"):
        await all_of(lambda number: clinic.cancel(tomorrow[number]), 200)
