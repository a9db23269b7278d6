"""Checks of the servers that the commands use, each with a fix. Called by `frontdesk doctor`.

A server of the embedded stack need not run: that it does not is a warning. One whose address is given has to answer.
"""

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from redis import Redis, RedisError

from deploy import addresses
from deploy.commands.addresses import ADDRESSES
from deploy.commands.machine import CheckState, DoctorCheck
from deploy.failure import Failure, Unreachable
from deploy.inspect.snapshots import snapshot
from deploy.stores import kafka_clients
from deploy.stores.topics import declared_topics

CLOCK_SECONDS, CLOCK_MOST_SECONDS = 1.0, 30.0


def checks() -> Iterator[DoctorCheck]:
    """All of them."""
    yield kafka()
    yield postgres()
    yield redis()


def kafka() -> DoctorCheck:
    """Brokers, and whether every declared topic is there."""

    async def missing() -> list[str]:
        async with kafka_clients.administrator(ADDRESSES.kafka()) as admin:
            there = set(await admin.list_topics())
        return [topic.name for topic in declared_topics() if topic.name not in there]

    def check() -> DoctorCheck:
        absent = asyncio.run(missing())
        if absent:
            detail = f"{len(absent)} topics are missing: {', '.join(absent[:3])}"
            return DoctorCheck("kafka", "fail", detail, "frontdesk topics create")
        return DoctorCheck("kafka", "ok", "answers, every declared topic is there")

    return _of_server("kafka", check)


def postgres() -> DoctorCheck:
    """Its version, and its clock beside ours: deadlines are judged by the database's."""

    async def version_and_clock() -> tuple[str, float]:
        async with snapshot(ADDRESSES, "booking") as sql:
            there = await sql.fetchval("SELECT clock_timestamp()")
            seconds = (datetime.now(UTC) - there).total_seconds()
            return str(await sql.fetchval("SELECT current_setting('server_version')")), seconds

    def check() -> DoctorCheck:
        version, seconds = asyncio.run(version_and_clock())
        return clock(version, seconds)

    return _of_server("postgres", check)


def clock(version: str, seconds: float) -> DoctorCheck:
    """The database, by its version and by how far our clock is before its."""
    off = abs(seconds)
    state: CheckState = "ok" if off < CLOCK_SECONDS else "warn" if off < CLOCK_MOST_SECONDS else "fail"
    fix = "" if state == "ok" else "set both clocks by NTP: logs and the log of messages are dated by different machines"
    return DoctorCheck("postgres", state, f"{version}, its clock differs from ours by {off * 1000:.0f} ms", fix)


def redis() -> DoctorCheck:
    """Only admission needs it: without it everything is right, and slower."""

    def check() -> DoctorCheck:
        try:
            with Redis.from_url(ADDRESSES.redis(), socket_timeout=2, socket_connect_timeout=2) as client:
                server = client.info("server")
        except RedisError as error:
            return DoctorCheck("redis", "warn", f"does not answer: {type(error).__name__}", "frontdesk logs valkey")
        version = server.get("valkey_version", server["redis_version"])
        return DoctorCheck("redis", "ok", f"answers, {server.get('server_name', 'redis')} {version}")

    return _of_server("redis", check)


def _of_server(name: str, check: Callable[[], DoctorCheck]) -> DoctorCheck:
    """A check of something that need not run."""
    try:
        return check()
    except Unreachable as error:
        given = addresses.some_given()
        fix = addresses.who_runs_servers() if given else "frontdesk up"
        return DoctorCheck(name, "fail" if given else "warn", str(error).splitlines()[0], fix)
    except Failure as error:
        return DoctorCheck(name, "fail", str(error).splitlines()[0], addresses.who_runs_servers())
