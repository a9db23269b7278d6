"""A gateway's parts with fakes around them: a producer, a holder of outcomes, a registry and a store."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from uuid import UUID

import orjson
from starlette.requests import Request

from services.gateway.access.caller import OPEN, ApiCaller
from services.gateway.commands.admission import Admission
from services.gateway.commands.command import Build, Command, built
from services.gateway.commands.outcome_polling import Looks
from services.gateway.commands.submit import Commands
from services.gateway.commands.waiters import Answered, Waiters
from services.gateway.owners.known_ids import KnownIds
from services.gateway.routes.appointments import BOOK
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer, Outcome
from shared.infra.kafka.records import Record
from tests.support.waiting import eventually

CLINIC, DOCTOR, PATIENT = (UUID(int=number) for number in (1, 2, 3))
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
CALLER = ApiCaller(CLINIC, OPEN, OPEN, "desk-1")
BOOKED = Answered(Answer(status_code=201, result={"id": str(UUID(int=4))}))


@dataclass
class FakeProducer:
    """Keeps what is sent; raises `error`, or does what `then` does, as a reply would."""

    sent: list[Record] = field(default_factory=list)
    error: Exception | None = None
    then: Callable[[], object] = lambda: None

    async def send(self, record: Record, timeout_seconds: float | None = None) -> None:
        self.sent.append(record)
        if self.error:
            raise self.error
        self.then()


@dataclass
class FakeHolder:
    """Booking: outcomes, and each call that asked for some."""

    outcomes: list[Outcome] = field(default_factory=list)
    error: Exception | None = None
    asked: list[list[tuple[UUID, UUID]]] = field(default_factory=list)

    async def look(self, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]:
        self.asked.append(list(pairs))
        if self.error:
            raise self.error
        return [outcome for outcome in self.outcomes if (outcome.clinic_id, outcome.command_id) in pairs]


@dataclass
class FakeRegistry:
    """The owners: which ids exist, or None while they do not answer."""

    existing: set[UUID] | None = field(default_factory=lambda: {DOCTOR, PATIENT})
    asked: list[UUID] = field(default_factory=list)

    async def exists(self, caller: ApiCaller, kind: str, entity_id: UUID) -> bool | None:
        self.asked.append(entity_id)
        return None if self.existing is None else entity_id in self.existing


@dataclass
class FakeStore:
    """Redis."""

    known: set[tuple[str, UUID, UUID]] = field(default_factory=set)

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool:
        return (kind, clinic_id, entity_id) in self.known

    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        self.known.add((kind, clinic_id, entity_id))

    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        self.known.discard((kind, clinic_id, entity_id))


class Parts:
    """Everything that a command passes through."""

    def __init__(self) -> None:
        self.producer, self.holder, self.registry, self.store = FakeProducer(), FakeHolder(), FakeRegistry(), FakeStore()
        self.waiters = Waiters()
        self.looks = Looks(self.waiters, self.holder)
        self.broker_answers = False
        self.admission = Admission(self._ping)
        self.admission.open()
        known = KnownIds(self.store, self.registry)
        self.commands = Commands(known, self.waiters, self.looks, self.admission, self.producer, lambda: 7)

    async def _ping(self) -> bool:
        return self.broker_answers

    def reply(self, command: Command, end: Answered = BOOKED) -> bool:
        """The reply to a command, as the replies' listener hands it on."""
        return self.waiters.resolve(command.command_id, command.body_hash, end)


def booking(key: str | None = None, body_hash: str = "a", doctor_id: UUID = DOCTOR) -> Command:
    """A command that books."""
    return Command.make(
        BOOK, CALLER, key, body_hash, NOW, built(booked_by(doctor_id)), ("doctor", doctor_id), ("patient", PATIENT),
    )  # fmt: skip


def booked_by(doctor_id: UUID = DOCTOR, day: date = date(2026, 3, 2), slot_id: UUID | None = None) -> Build:
    """The message of a booking."""
    return lambda envelope: BookAppointment(**envelope, doctor_id=doctor_id, patient_id=PATIENT, date=day, slot_id=slot_id)


def outcome_of(command: Command, *, body_hash: str | None = None, settled: bool = True, accepted_at: datetime = NOW) -> Outcome:
    """What booking has stored of a command."""
    return Outcome(
        clinic_id=CLINIC, command_id=command.command_id, type=command.type, principal=OPEN,
        body_hash=body_hash or command.body_hash, answer=BOOKED.answer,
        accepted_at=accepted_at, decided_at=NOW, settled_at=NOW if settled else None,
    )  # fmt: skip


async def until(condition: Callable[[], bool]) -> None:
    """Waits for what another task does."""

    async def look() -> bool:
        return condition()

    await eventually(look)


def request_with(data: object) -> Request:
    """A request that has arrived with this JSON."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": orjson.dumps(data), "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}, receive)
