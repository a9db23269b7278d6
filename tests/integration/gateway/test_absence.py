"""A gateway while something else is away, and what it makes up for once that is back."""

import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import uuid4

import pytest
from pydantic import SecretStr
from redis.asyncio import Redis

from services.gateway.clinics.announce import announce_clinics
from services.gateway.owners.store import RedisKnownIds
from shared.contracts.envelope import Message
from shared.contracts.registry import ClinicChanged
from shared.contracts.topics import REGISTRY_EVENTS, Topic
from shared.infra.clockwork import Clock
from shared.infra.outbox import Written
from shared.infra.postgres import Connection
from shared.infra.runtime import Runtime, make_redis
from shared.infra.settings import RedisSettings
from tests.integration.gateway.conftest import API, CLINIC, FakeOwners, Process, Start
from tests.support.waiting import eventually

NOWHERE = "127.0.0.1:1"
DOCTOR = uuid4()
AT_ONCE_SECONDS = 2.0


async def test_without_kafka_it_starts_reads_refuses_and_stops(start: Start) -> None:
    async with start(FRONTDESK_KAFKA__BOOTSTRAP_SERVERS=NOWHERE) as gateway:
        assert (await gateway.http.get("/health/live")).status_code == 200
        ready = await gateway.http.get("/health/ready")
        assert ready.status_code == 503 and ready.json()["checks"]["kafka"].startswith("failed")
        assert (await gateway.http.get(f"{API}/doctors/{DOCTOR}")).status_code == 200
        asked_at = time.monotonic()
        answer = await gateway.book()
        assert (answer.status_code, answer.json()["code"]) == (503, "not_accepted")
        assert time.monotonic() - asked_at < AT_ONCE_SECONDS and int(answer.headers["Retry-After"]) > 0
        stopping_at = time.monotonic()
    assert time.monotonic() - stopping_at < 10


async def test_the_overview_names_what_is_down(gateway: Process, owners: FakeOwners) -> None:
    owners.answers["/health/ready"] = (200, {"status": "ready", "checks": {}})

    async def all_up() -> bool:
        up = await gateway.http.get("/health")
        return (up.status_code, up.json()["status"]) == (200, "ok")

    await eventually(all_up)
    owners.answers["/health/ready"] = (503, {"status": "unavailable", "checks": {"kafka": "failed: X", "postgres": "ok"}})
    down = await gateway.http.get("/health")
    assert down.status_code == 503
    assert down.json()["services"] == {
        "gateway": "ok", "availability": "unavailable: kafka", "booking": "unavailable: kafka", "queue": "unavailable: kafka",
    }  # fmt: skip
    assert down.json()["stores"] == {"postgres": "ok", "kafka": "ok", "redis": "ok"}
    owners.answers["/health/ready"] = (503, {"status": "draining", "checks": {"kafka": "ok"}})
    assert (await gateway.http.get("/health")).json()["services"]["queue"] == "draining"


async def test_without_redis_it_is_ready_and_the_overview_says_so(start: Start, owners: FakeOwners) -> None:
    owners.answers["/health/ready"] = (200, {"status": "ready", "checks": {}})
    async with start(FRONTDESK_REDIS__URL=f"redis://{NOWHERE}/0") as gateway:
        await gateway.ready()
        health = await gateway.http.get("/health")
        assert health.status_code == 503 and health.json()["stores"]["redis"].startswith("failed")
        assert (await gateway.http.get(f"{API}/checkins/doctors/{DOCTOR}/queue")).status_code == 200


async def test_known_ids_are_shared_by_redis_for_a_time(servers: Any) -> None:
    redis: Redis = make_redis(RedisSettings(url=SecretStr(servers.redis_url), timeout_ms=1_000))
    store = RedisKnownIds(redis, 300, Clock())
    await store.put("doctor", CLINIC, DOCTOR)
    assert await store.has("doctor", CLINIC, DOCTOR) and not await store.has("patient", CLINIC, DOCTOR)
    assert 0 < await redis.ttl(f"frontdesk:known:doctor:{CLINIC}:{DOCTOR}") <= 300
    await store.drop("doctor", CLINIC, DOCTOR)
    assert not await store.has("doctor", CLINIC, DOCTOR)
    await redis.aclose()


async def test_a_store_that_is_away_knows_nothing() -> None:
    redis: Redis = make_redis(RedisSettings(url=SecretStr(f"redis://{NOWHERE}/0")))
    store = RedisKnownIds(redis, 300, Clock())
    await store.put("doctor", CLINIC, DOCTOR)
    await store.drop("doctor", CLINIC, DOCTOR)
    assert not await store.has("doctor", CLINIC, DOCTOR)
    await redis.aclose()


async def test_each_change_of_a_clinic_is_announced_once(
    runtime: Callable[..., Awaitable[Runtime]], superuser: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    process = await runtime("gateway")
    await process.producer.start()
    await announce_clinics(process.units)
    assert await announce_clinics(process.units) == 0
    database = await superuser("gateway")
    await database.execute("UPDATE clinics SET version = version + 1 WHERE id = $1", CLINIC)

    said: list[tuple[Topic, Message]] = []
    write = process.outbox.write

    async def spied(connection: Connection, messages: Sequence[tuple[Topic, Message]]) -> Written:
        said.extend(messages)
        return await write(connection, messages)

    monkeypatch.setattr(process.outbox, "write", spied)
    assert await announce_clinics(process.units) == 1
    ((topic, message),) = said
    assert topic is REGISTRY_EVENTS and isinstance(message, ClinicChanged)
    row = await database.fetchrow("SELECT version, announced_version FROM clinics WHERE id = $1", CLINIC)
    assert row["version"] == row["announced_version"] == message.version
    assert (message.clinic_id, message.code) == (CLINIC, "default")

    async def published() -> bool:
        await process.outbox.relay_once(process.database.hot)
        return bool(await database.fetchval("SELECT count(*) = 0 FROM outbox"))

    assert await eventually(published)
