"""A gateway's parts with fakes around them: a publisher, a holder of outcomes, owners, and what gateways remember together."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from types import SimpleNamespace
from typing import cast
from uuid import UUID

import orjson
from starlette.requests import Request

from services.gateway.access.caller import ApiCaller
from services.gateway.access.open_access import OPEN
from services.gateway.commands.admission import Admission
from services.gateway.commands.command import ApiCommand
from services.gateway.commands.kinds import BOOK
from services.gateway.commands.outcome_polling import OutcomePoller
from services.gateway.commands.replies import ReplyPartitions
from services.gateway.commands.submit import Commands
from services.gateway.commands.waiters import Answered, Waiters
from services.gateway.gateway import Gateway
from services.gateway.owners.known_ids import KnownIds
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer, Outcome
from shared.contracts.envelope import ClientCommand
from shared.infra.clockwork import Clock
from shared.infra.ids import new_id
from shared.infra.kafka.records import Record
from tests.support.waiting import eventually

CLINIC, DOCTOR, PATIENT = (UUID(int=number) for number in (1, 2, 3))
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
CALLER = ApiCaller(CLINIC, OPEN, OPEN, "desk-1")
BOOKED = Answered(Answer(status_code=201, result={"id": str(UUID(int=4))}))


@dataclass
class FakePublisher:
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

    stored: list[Outcome] = field(default_factory=list)
    error: Exception | None = None
    asked: list[list[tuple[UUID, UUID]]] = field(default_factory=list)

    async def outcomes(self, pairs: Sequence[tuple[UUID, UUID]]) -> list[Outcome]:
        self.asked.append(list(pairs))
        if self.error:
            raise self.error
        return [outcome for outcome in self.stored if (outcome.clinic_id, outcome.command_id) in pairs]


@dataclass
class FakeIdOwners:
    """The owners: which ids exist, or None while they do not answer."""

    existing: set[UUID] | None = field(default_factory=lambda: {DOCTOR, PATIENT})
    asked: list[UUID] = field(default_factory=list)

    async def exists(self, caller: ApiCaller, kind: str, entity_id: UUID) -> bool | None:
        self.asked.append(entity_id)
        return None if self.existing is None else entity_id in self.existing


@dataclass
class FakeSharedIds:
    """Redis."""

    known: set[tuple[str, UUID, UUID]] = field(default_factory=set)

    async def has(self, kind: str, clinic_id: UUID, entity_id: UUID) -> bool:
        return (kind, clinic_id, entity_id) in self.known

    async def put(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        self.known.add((kind, clinic_id, entity_id))

    async def drop(self, kind: str, clinic_id: UUID, entity_id: UUID) -> None:
        self.known.discard((kind, clinic_id, entity_id))


@dataclass
class FakeReplies:
    """The consumer of replies and the partitions that it holds."""

    partitions: list[int] = field(default_factory=lambda: [7])


class Parts:
    """Everything that a command passes through."""

    def __init__(self, clock: Clock | None = None) -> None:
        clock = clock or Clock()
        self.publisher, self.holder, self.id_owners = FakePublisher(), FakeHolder(), FakeIdOwners()
        self.known = KnownIds(FakeSharedIds(), self.id_owners, clock)
        self.waiters = Waiters()
        self.poller = OutcomePoller(self.waiters, self.holder, clock)
        self.broker_answers = False
        self.admission = Admission(self._ping, clock)
        self.admission.open()
        replies = ReplyPartitions(FakeReplies())
        self.commands = Commands(self.holder, self.waiters, self.poller, self.admission, self.publisher, replies, clock)

    async def _ping(self) -> bool:
        return self.broker_answers

    async def submit(
        self, command: ApiCommand, wait_seconds: float, message: Awaitable[ClientCommand] | None = None
    ) -> Answered | None:
        """Submits a booking whose ids must be known, or the message."""
        return await self.commands.submit(command, message or self._booking(command), wait_seconds)

    async def _booking(self, command: ApiCommand) -> BookAppointment:
        await self.known.require(CALLER, ("doctor", DOCTOR), ("patient", PATIENT))
        return booking_of(command)

    def reply(self, command: ApiCommand, end: Answered = BOOKED) -> bool:
        """The reply to a command, as the listener to replies hands it on."""
        return self.waiters.resolve(command.command_id, command.body_hash, end)


def booking(key: str | None = None, body_hash: str = "a") -> ApiCommand:
    """A command that books."""
    return ApiCommand(BOOK, CALLER, key if key is not None else new_id().hex, key is not None, body_hash, NOW)


def booking_of(command: ApiCommand, day: date = DAY, slot_id: UUID | None = None) -> BookAppointment:
    """The message of a booking."""
    return BookAppointment(**command.envelope(), doctor_id=DOCTOR, patient_id=PATIENT, date=day, slot_id=slot_id)


def outcome_of(
    command: ApiCommand, *, body_hash: str | None = None, settled: bool = True, accepted_at: datetime = NOW
) -> Outcome:
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


def gateway_with(**parts: object) -> Gateway:
    """A gateway that has only these parts."""
    return cast(Gateway, SimpleNamespace(**parts))


def request_with(data: object) -> Request:
    """A request that has arrived with this JSON."""

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": orjson.dumps(data), "more_body": False}

    return Request({"type": "http", "method": "POST", "path": "/", "query_string": b"", "headers": []}, receive)
