"""Everything that a benchmark runs, on 127.0.0.1 and in a temporary folder: the servers, the system, the monolith beside it.

Called by `bookings.py`; whatever happens, nothing is left behind.
"""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import psutil

from benchmarks import monolith
from benchmarks.reference import REGISTER, Reference
from deploy import blocking
from deploy.embedded.environment import process_environment
from deploy.embedded.ports import any_free
from deploy.embedded.process import Process
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import Services, probe_http
from deploy.stores import databases, migrations, topics
from shared.infra.ids import new_id

ROLE = "monolith"


@dataclass(frozen=True)
class Bench:
    """What runs, and whom it can book."""

    servers: EmbeddedServers
    services: Services
    monolith: Process
    reference: Reference
    ports: dict[str, int]
    """Of whom the generator asks, by name: `frontdesk` and `monolith`."""
    doctors: list[str]
    patients: list[str]

    def cpu_seconds(self) -> dict[str, float]:
        """What each process has used of the processors so far, its children included."""
        ours = {service.name: service.process for service in self.services}
        servers = {server.name: server.process for server in self.servers.servers}
        return {name: _cpu_seconds(process) for name, process in (ours | servers | {ROLE: self.monolith}).items()}


@contextmanager
def running(doctors: int, patients: int) -> Iterator[Bench]:
    """All of it, started and filled with doctors and patients."""
    with ExitStack() as ends:
        servers = ends.enter_context(own_servers())
        reference = Reference(servers)  # copies the services' databases, which works while nobody is connected to them
        known = blocking.run(register(servers, doctors, patients))
        services = Services(servers)
        ends.callback(services.stop)
        services.start()
        port = any_free()
        beside = ends.enter_context(running_monolith(servers, port, *known))
        ports = {"frontdesk": services["gateway"].port, ROLE: port}
        yield Bench(servers, services, beside, reference, ports, *known)


@contextmanager
def own_servers() -> Iterator[EmbeddedServers]:
    """Servers with topics and schemas, in a folder that is gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="frontdesk-bench-"))
    folder.chmod(0o755)  # PostgreSQL may run under another account than ours
    servers = EmbeddedServers(folder)
    try:
        servers.start()
        migrations.prepare_and_migrate(servers.postgres_dsn(), servers.secrets)
        blocking.run(topics.create_topics(servers.kafka_connection))
        yield servers
    finally:
        servers.stop()
        servers.purge()
        shutil.rmtree(folder, ignore_errors=True)  # the scripts of the reference


@contextmanager
def running_monolith(servers: EmbeddedServers, port: int, doctors: list[str], patients: list[str]) -> Iterator[Process]:
    """The monolith with a database of its own on the same server."""
    password = servers.secrets.passwords([ROLE])[ROLE]
    blocking.run(_make_database(servers.postgres_dsn(), password))
    url = databases.dsn_of(servers.postgres_dsn(), ROLE, password, ROLE).replace("postgresql:", "postgresql+asyncpg:", 1)
    blocking.run(monolith.prepare(url, doctors, patients))
    environment = process_environment({monolith.URL: url, monolith.PORT: str(port)})
    process = Process(ROLE, (sys.executable, "-m", "benchmarks.monolith"), servers.logs / f"{ROLE}.log", env=environment)
    process.start()
    try:
        process.wait_ready(lambda: probe_http(port), port=port)
        yield process
    finally:
        process.stop()


async def register(servers: EmbeddedServers, doctors: int, patients: int) -> tuple[list[str], list[str]]:
    """Doctors and patients of the clinic that open access acts for, as a registration leaves them."""
    gateway = await asyncpg.connect(servers.postgres_dsn("gateway"))
    clinic = await gateway.fetchval("SELECT id FROM clinics WHERE code = 'default'")
    await gateway.close()
    made = [[new_id() for _ in range(count)] for count in (doctors, patients)]
    for (service, add), ids in zip(REGISTER.items(), made, strict=True):
        database = await asyncpg.connect(servers.postgres_dsn(service))
        await add(database, clinic, ids)
        await database.close()
    known = [[str(one) for one in ids] for ids in made]
    return known[0], known[1]


async def _make_database(superuser: str, password: str) -> None:
    server = await asyncpg.connect(superuser)
    try:
        quoted = await server.fetchval("SELECT quote_literal($1::text)", password)
        await server.execute(f'CREATE ROLE "{ROLE}" LOGIN PASSWORD {quoted}')
        await server.execute(f'CREATE DATABASE "{ROLE}" OWNER "{ROLE}"')
    finally:
        await server.close()


def _cpu_seconds(process: Process) -> float:
    identity = process.id
    assert identity is not None
    parent = psutil.Process(identity.pid)
    # A backend that ended meanwhile is counted by its parent.
    own = parent.cpu_times()
    used = own.user + own.system + own.children_user + own.children_system
    for child in parent.children(recursive=True):
        try:
            times = child.cpu_times()
        except psutil.NoSuchProcess:
            continue
        used += times.user + times.system
    return used
