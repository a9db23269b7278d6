"""The system that mutants live in: one of each service, all of them stoppable at points, of which one at a time plays a mutant.

Called by `tests/faults/test_checker.py`, with the client who meets it; without a mutant by `test_kill_points.py`.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx2

from deploy import installation
from deploy.embedded.servers import EmbeddedServers
from deploy.embedded.services import Service, Services
from tests.checker.check import check
from tests.checker.history import Entry, History
from tests.checker.report import Report
from tests.faults.mutants.points import Point
from tests.support.dates import in_days
from tests.support.servers import Databases, embedded_servers
from tests.support.stack import SHORT_SESSIONS
from tests.support.transports import TLS
from tests.support.waiting import eventually

SERVICES = installation.names()

API = "/api/v1"
TIMEOUT_SECONDS = 20.0


class Stage:
    """The servers, the services, and what a test does to them. `points` is the folder by which services are stopped."""

    def __init__(self, servers: EmbeddedServers, points: Path) -> None:
        self.bootstrap = servers.kafka_bootstrap
        self.logs = servers.logs
        databases = Databases(servers)
        databases.migrated_services()
        self.dsns = {service: databases.superuser(service) for service in SERVICES}
        self.points = points
        self.services = Services(servers, settings=SHORT_SESSIONS)
        for service in SERVICES:
            self.services[service].process.command = self._command(service)

    async def play(self, service: str, *mutants: str) -> "Part":
        """One service with these mutations, all others without any. So it stays until something else is played."""
        for name in SERVICES:
            await self._become(self.services[name], self._command(name, *(mutants if name == service else ())))
        return self.part(service)

    async def sound(self) -> None:
        """Every service without any."""
        for name in SERVICES:
            await self._become(self.services[name], self._command(name))

    def part(self, service: str) -> "Part":
        """A service as it is."""
        return Part(self.services[service], self.points)

    async def _become(self, service: Service, command: Sequence[str]) -> None:
        """Another program in its place, if it is not that already."""
        if service.process.command != command:
            await asyncio.to_thread(service.stop)
            service.process.command = command
            await asyncio.to_thread(service.start)

    def _command(self, service: str, *mutants: str) -> Sequence[str]:
        options = [option for mutant in mutants for option in ("--mutant", mutant)]
        return (sys.executable, "-m", "tests.faults.mutants", service, "--points", str(self.points), *options)


class Part:
    """The service that plays."""

    def __init__(self, service: Service, points: Path) -> None:
        self._service = service
        self._points = points

    def point(self, name: str) -> Point:
        """Where it can be stopped."""
        return Point(self._points, self._service.name, name)

    async def reaches(self, point: Point) -> None:
        """Returns once it stands at a point."""

        async def reached() -> bool:
            return point.is_reached()

        await eventually(reached)

    async def crash(self) -> None:
        """`kill -9`, and a new start."""
        await asyncio.to_thread(self._service.process.kill)
        await asyncio.to_thread(self._service.start)


class Client:
    """One client with a doctor and two patients of its own, who asks once, or again, and remembers what it was told."""

    def __init__(self, stage: Stage, http: httpx2.AsyncClient, history: History) -> None:
        self.stage = stage
        self.http = http
        self.history = history
        self.doctors: list[str] = []
        self.patients: list[str] = []

    async def register(self) -> None:
        """The doctor and the patients."""
        await self.new_doctor()
        self.patients = [await self.new_patient() for _ in range(2)]

    @property
    def doctor(self) -> str:
        """Its first doctor."""
        return self.doctors[0]

    async def new_doctor(self) -> str:
        """One more doctor."""
        self.doctors.append(await self.made("/doctors", {"name": "Dr Ada Osei", "code": f"ada-{uuid4().hex[:12]}"}))
        return self.doctors[-1]

    async def new_patient(self) -> str:
        """One more patient."""
        person = {"name": f"Patient {uuid4().hex}", "phone": "+44 7700 900123"}
        return await self.made("/patients?on_duplicate=create", person)

    async def made(self, path: str, body: dict[str, Any]) -> str:
        """The id of what a POST made."""
        answer = await self.http.post(f"{API}{path}", json=body)
        assert answer.status_code == 201, answer.text
        return str(answer.json()["id"])

    async def book(self, patient: int = 0, *, wait: bool = True) -> Entry:
        """Books today for one of the patients."""
        today = in_days().isoformat()
        return await self.ask("/appointments", wait, doctor_id=self.doctor, patient_id=self.patients[patient], date=today)

    async def cancel(self, booked: Entry, *, wait: bool = True) -> Entry:
        """Cancels what was booked."""
        return await self.ask(f"/appointments/{(booked.json or {})['id']}/cancel", wait)

    async def ask(self, path: str, wait: bool, **body: Any) -> Entry:
        """A command, asked once; without waiting it is answered 202."""
        return await self._asked(uuid4().hex, path, wait, body)

    async def again(self, asked: Entry) -> Entry:
        """Asks the same with the same key."""
        return await self._asked(asked.key, asked.path, True, asked.body)

    async def _asked(self, key: str, path: str, wait: bool, body: dict[str, Any]) -> Entry:
        started = time.time()
        headers = {"Idempotency-Key": key, "Prefer": "wait=15" if wait else "respond-async"}
        answer = await self.http.post(f"{API}{path}", json=body, headers=headers)
        said, id_ = answer.json(), answer.headers.get("Command-Id")
        entry = Entry(key, path, body, started, time.time(), answer.status_code, said.get("code"), said, id_, "gateway")
        self.history.add(entry)
        return entry

    async def ends(self, asked: Entry) -> dict[str, Any]:
        """How a command that was answered 202 ended."""

        async def ended() -> dict[str, Any]:
            look = await self.http.get(f"{API}/commands/{asked.command_id}")
            return dict(look.json()) if look.status_code == 200 else {}

        return await eventually(ended)

    async def check(self, within_seconds: float) -> Report:
        """What the checker says of this client's part of the system."""
        stage = self.stage
        return await check(self.history, stage.bootstrap, stage.dsns, doctors=self.doctors, within_seconds=within_seconds)


@asynccontextmanager
async def client_of(stage: Stage, history: Path) -> AsyncIterator[Client]:
    """A client, registered, whose answers are kept in a file."""
    gateway = stage.services.url("gateway")
    async with httpx2.AsyncClient(base_url=gateway, verify=TLS, timeout=TIMEOUT_SECONDS, trust_env=False) as http:
        client = Client(stage, http, History(history))
        await client.register()
        yield client


@contextmanager
def running_stage() -> Iterator[Stage]:
    """A system of its own, gone afterwards with all its data."""
    with embedded_servers() as servers, tempfile.TemporaryDirectory(prefix="frontdesk-points-") as points:
        stage = Stage(servers, Path(points))
        try:
            stage.services.start()
            yield stage
        finally:
            stage.services.stop()
