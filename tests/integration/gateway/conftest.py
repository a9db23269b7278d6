"""A gateway process on real Kafka, Postgres and Redis, with owners behind it that answer what a test tells them."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2
import orjson
import pytest
from aiokafka import AIOKafkaConsumer
from fastapi import FastAPI

from services.gateway.access.open_access import OPEN
from services.gateway.app import create_app
from services.gateway.owners.client import AVAILABILITY, BOOKING, QUEUE, Owners
from services.gateway.settings import Settings
from shared.contracts.commands import Answer, CommandAnswered, Outcome, Outcomes
from shared.contracts.envelope import ClientCommand
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS, GATEWAY_REPLIES
from shared.infra.clockwork import Clock
from shared.infra.kafka.publisher import Publisher
from shared.infra.kafka.records import Record, decode, record_of
from tests.support.messages import caused
from tests.support.waiting import eventually

CLINIC = UUID("00000000-0000-7000-8000-000000000001")
API = "/api/v1"
TOPICS = {topic.name: topic for topic in (BOOKING_COMMANDS, APPOINTMENT_COMMANDS)}


NOBODY: dict[str, dict[str, Any]] = {
    "/internal/slots/wall-times": {"appointment_ids": [], "left": 0},
    "/internal/appointments/refusals": {"refusals": []},
}
"""What owners answer who know of nobody that is asked for."""

Said = tuple[int, Any]
"""A status and a body."""


@dataclass
class FakeOwners:
    """The services behind the gateway: a doctor or a patient exists unless it is in `unknown`; requests are kept."""

    unknown: set[str] = field(default_factory=set)
    outcomes: list[Outcome] = field(default_factory=list)
    answers: dict[str, Said | Callable[[httpx2.Request], Said]] = field(default_factory=dict)
    """By path: what is answered there, always or to a request."""
    headers: dict[str, str] = field(default_factory=dict)
    """Of every answer."""
    away: bool = False
    requests: list[httpx2.Request] = field(default_factory=list)

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        if self.away:
            raise httpx2.ConnectError("away")
        path = request.url.path
        if path == "/internal/commands/look" and path not in self.answers:
            return httpx2.Response(200, content=Outcomes(outcomes=self.outcomes).model_dump_json())
        known = 404 if path.rpartition("/")[2] in self.unknown else 200
        found: dict[str, Any] = {"id": path.rpartition("/")[2]}
        if path.endswith("/today"):
            found = {"doctor_id": path.split("/")[3], "date": "2026-03-02"}
        found = NOBODY.get(path, found)
        said: Said | Callable[[httpx2.Request], Said] = self.answers.get(path, (known, found))
        status, body = said(request) if callable(said) else said
        media = "application/json" if status < 400 else "application/problem+json"
        return httpx2.Response(status, content=orjson.dumps(body), headers={"Content-Type": media, **self.headers})


class Process:
    """One gateway in this process, and a client of it."""

    def __init__(self, app: FastAPI, http: httpx2.AsyncClient) -> None:
        self.app = app
        self.http = http

    async def ready(self) -> None:
        """Waits until it may be sent work and hears its replies."""

        async def look() -> bool:
            answer = await self.http.get("/health/ready")
            return answer.status_code == 200 and bool(self.app.state.gateway.replies.partitions)

        await eventually(look)
        replies = self.app.state.gateway.replies.subscription
        for partition in replies.assigned:  # what is said before the position is known is missed
            await replies.consumer.position(partition)

    def book(self, **headers: str) -> "asyncio.Task[httpx2.Response]":
        """Asks for a booking of a new doctor and patient."""
        body = {"doctor_id": str(uuid4()), "patient_id": str(uuid4()), "date": "2026-03-02"}
        return asyncio.ensure_future(self.http.post(f"{API}/appointments", json=body, headers=headers))


@pytest.fixture
def owners(monkeypatch: pytest.MonkeyPatch) -> FakeOwners:
    """Stands behind every gateway that this test starts."""
    fake = FakeOwners()

    def connect(_: type[Owners], settings: Settings, clock: Clock) -> Owners:
        transport = httpx2.MockTransport(fake)
        names = (AVAILABILITY, BOOKING, QUEUE)
        return Owners({name: httpx2.AsyncClient(transport=transport, base_url=f"http://{name}") for name in names}, clock)

    monkeypatch.setattr(Owners, "connect", classmethod(connect))
    return fake


Start = Callable[..., Any]


@pytest.fixture
def start(owners: FakeOwners, service_settings: Callable[..., Settings]) -> Start:
    """`async with start(FRONTDESK_…="…") as gateway` is a running process."""

    @asynccontextmanager
    async def running(**changes: str) -> AsyncIterator[Process]:
        app = create_app(service_settings("gateway", **changes))
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url="http://gateway", timeout=60) as http,
        ):
            yield Process(app, http)

    return running


@pytest.fixture
async def gateway(start: Start) -> AsyncIterator[Process]:
    """One that is ready."""
    async with start() as process:
        await process.ready()
        yield process


class Commands:
    """What is said on the topics of commands from now on, and replies to it."""

    def __init__(self, consumer: AIOKafkaConsumer, publisher: Publisher) -> None:
        self._consumer = consumer
        self._publisher = publisher

    async def next(self) -> tuple[bytes, Any]:
        """The next command and its key."""
        record = await asyncio.wait_for(self._consumer.getone(), 20)
        return record.key, decode(TOPICS[record.topic], record.value)

    async def reply(self, command: ClientCommand, answer: Answer, *, replayed: bool = False) -> None:
        """Replies as a service does."""
        reply = caused(CommandAnswered, command, answer=answer, replayed=replayed)
        await self._publisher.send(record_of(GATEWAY_REPLIES, reply, command.reply_partition))

    async def babble(self, partition: int | None) -> None:
        """A reply that nobody can read."""
        await self._publisher.send(Record(GATEWAY_REPLIES.name, b"", b"no JSON", "", partition))


BOOKED = Answer(status_code=201, result={"id": str(UUID(int=4))})


def stored(command: ClientCommand, body_hash: str | None = None) -> Outcome:
    """What booking has stored of a command that succeeded."""
    return Outcome(
        clinic_id=CLINIC, command_id=command.command_id, type=command.type, principal=OPEN,
        body_hash=body_hash or command.body_hash, answer=BOOKED, accepted_at=command.accepted_at,
        decided_at=command.accepted_at, settled_at=command.accepted_at,
    )  # fmt: skip


@pytest.fixture
async def commands(gateway: Process, servers: Any) -> AsyncIterator[Commands]:
    """Listens to the commands of a ready gateway."""
    consumer = AIOKafkaConsumer(*TOPICS, bootstrap_servers=servers.kafka_bootstrap)
    await consumer.start()
    await consumer.seek_to_end()
    for partition in consumer.assignment():
        await consumer.position(partition)
    yield Commands(consumer, gateway.app.state.runtime.publisher)
    await consumer.stop()
