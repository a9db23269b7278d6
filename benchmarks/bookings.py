"""Bookings a second through the whole system, beside pgbench of the same statements: `make bench`.

It runs a stack of its own (free ports, a temporary folder, nothing but 127.0.0.1), the reference before and after the load, and
ends by itself. The machine moves by a factor of two between runs: only the ratio of one run says something.
"""

import argparse
import asyncio
import dataclasses
import json
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import psutil

from benchmarks import reference
from benchmarks.figures import Load
from benchmarks.load import Orders
from deploy import blocking, databases, topics
from deploy.embedded import EmbeddedServers
from deploy.embedded.ports import LOOPBACK
from deploy.embedded.services import Services
from deploy.environment import process_environment

LIMIT = 0.15
"""What the ratio is to reach. It is printed beside the result and judges nothing."""
IN_FLIGHT = 64
DOCTORS, PATIENTS = 50, 200
PLACES_A_DAY = 10
AT_ONCE = 16
WARM_UP_SECONDS = 3.0
REFERENCE_SECONDS = 5
OVERHEAD_SECONDS = 2.0


@contextmanager
def own_servers() -> Iterator[EmbeddedServers]:
    """Servers with topics and schemas, in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-bench-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account than ours
    servers = EmbeddedServers(folder)
    try:
        servers.start()
        passwords = servers.secrets.passwords(databases.role_names())
        databases.prepare(servers.postgres_dsn(), passwords)
        databases.migrate(databases.owner_dsns(servers.postgres_dsn(), passwords))
        blocking.run(topics.create_topics(servers.kafka_bootstrap))
        yield servers
    finally:
        servers.stop()
        servers.purge()
        shutil.rmtree(folder, ignore_errors=True)  # the scripts of the reference


async def register(url: str, doctors: int, patients: int) -> tuple[list[str], list[str]]:
    """Doctors and patients, made over HTTP like any client makes them."""
    gate = asyncio.Semaphore(AT_ONCE)
    async with httpx2.AsyncClient(base_url=f"{url}/api/v1", timeout=30.0) as client:

        async def post(path: str, body: dict[str, Any]) -> str:
            async with gate:
                answer = await client.post(path, json=body)
            return str(answer.raise_for_status().json()["id"])

        made = await asyncio.gather(*(post("/doctors", {"name": f"Dr {n}", "code": f"bench-{n}"}) for n in range(doctors)))
        people = ({"name": f"Patient {n}", "phone": f"+44 7700 {900_000 + n}"} for n in range(patients))
        return made, await asyncio.gather(*(post("/patients", person) for person in people))


def generate(orders: Orders) -> Load:
    """Runs the load generator as a process of its own."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.load"],
        input=json.dumps(dataclasses.asdict(orders)),
        env=process_environment({}),
        stdout=subprocess.PIPE,
        text=True,
        check=True,
        timeout=orders.warm_up_seconds + orders.seconds + 90,
    )
    return Load(**json.loads(done.stdout))


async def overhead(orders: Orders) -> Load:
    """What the generator reaches against a server that answers at once: far above the load, or it is what was measured."""
    answer = b"HTTP/1.1 201 Created\r\ncontent-length: 2\r\n\r\n{}"

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.read(65_536):
            writer.write(answer)
        writer.close()

    async with await asyncio.start_server(serve, LOOPBACK, 0) as server:
        port = server.sockets[0].getsockname()[1]
        return await asyncio.to_thread(
            generate, dataclasses.replace(orders, port=port, seconds=OVERHEAD_SECONDS, warm_up_seconds=0.5)
        )


def measure(seconds: float, in_flight: int) -> list[str]:
    """One run: the reference, the load, the reference again. What it found, in lines."""
    with own_servers() as servers:
        urls = [servers.postgres_dsn("availability"), servers.postgres_dsn("booking")]
        passwords = servers.secrets.passwords(databases.role_names())
        limit = reference.Reference(servers.folder, databases.app_dsns(servers.postgres_dsn(), passwords))
        blocking.run(reference.prepare(*urls))
        before = limit.run(REFERENCE_SECONDS)
        blocking.run(reference.clear(urls))
        run = _load(servers, seconds, in_flight)
        after = limit.run(REFERENCE_SECONDS)
    return _lines(run, (before, after), in_flight)


@dataclass(frozen=True)
class Run:
    """What the load found: the system's answers, the generator by itself, and the microseconds that a booking costs whom."""

    load: Load
    alone: Load
    cost_us: dict[str, float]


def _load(servers: EmbeddedServers, seconds: float, in_flight: int) -> Run:
    services = Services(servers)
    services.start()
    try:
        began = time.monotonic()
        doctors, patients = blocking.run(register(services.url("gateway"), DOCTORS, PATIENTS))
        print(f"{DOCTORS} doctors and {PATIENTS} patients over HTTP in {time.monotonic() - began:.1f} s", flush=True)
        port = services["gateway"].port
        orders = Orders(port, in_flight, seconds, WARM_UP_SECONDS, doctors, patients, PLACES_A_DAY)
        used = cpu_seconds(servers, services)
        load = generate(orders)
        spent = {name: after - used[name] for name, after in cpu_seconds(servers, services).items()}
        return Run(load, blocking.run(overhead(orders)), {name: s * 1e6 / load.all_answers for name, s in spent.items()})
    finally:
        services.stop()


def cpu_seconds(servers: EmbeddedServers, services: Services) -> dict[str, float]:
    """What each server and service has used of the processors so far, its children included."""
    used = {}
    for component in (*services, *servers.servers):
        identity = component.process.id
        assert identity is not None
        process = psutil.Process(identity.pid)
        times = [one.cpu_times() for one in (process, *process.children(recursive=True))]
        used[component.name] = sum(one.user + one.system for one in times)
    return used


def _lines(run: Run, limits: tuple[float, float], in_flight: int) -> list[str]:
    load, limit = run.load, statistics.fmean(limits)
    costs = ", ".join(f"{name} {us:.0f}" for name, us in run.cost_us.items())
    return [
        f"bookings   {load.per_second:8.0f} /s to the final answer, {in_flight} in flight for {load.seconds:.0f} s"
        f" ({load.others} other answers)",
        f"latency    {load.p50_ms:8.1f} ms p50, {load.p99_ms:.1f} ms p99",
        f"pgbench    {limit:8.0f} /s of the same statements ({limits[0]:.0f} before the load, {limits[1]:.0f} after it)",
        f"ratio      {load.per_second / limit:8.2f}    to reach: {LIMIT}",
        f"CPU        {sum(run.cost_us.values()):8.0f} µs a booking: {costs}",
        f"generator  {run.alone.per_second:8.0f} /s by itself",
    ]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--in-flight", type=int, default=IN_FLIGHT)
    asked = parser.parse_args()
    print("\n".join(measure(asked.seconds, asked.in_flight)))


if __name__ == "__main__":
    main()
