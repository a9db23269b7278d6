"""What is left of a command: its outcome, audit rows, inbox and outbox rows of all databases, and its records on Kafka.

The same of what happened to something without a client's command: a hold expired, a doctor or a patient was deleted, two patients
were merged.
"""

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from aiokafka import AIOKafkaConsumer

from deploy import addresses
from deploy.databases import SERVICES
from deploy.failure import Failure
from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import Raw
from deploy.inspect.read_only import Connection, snapshot
from deploy.topics import declared_topics
from shared.contracts.topics import ALL_TOPICS

AUDITED = ("availability", "booking", "queue")
NEWEST_PER_PARTITION = 20_000
"""Bound of a look into the log: so many records of each partition from where the command began, else the newest."""
BEFORE = timedelta(seconds=60)
"""The look begins so long before the first known time: clocks of machines differ."""

OUTCOME = "SELECT * FROM outcomes WHERE clinic_id = ANY($1::uuid[]) AND command_id = $2"
AUDIT = "SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id = $2 ORDER BY at, id"
# A slot and a queue entry are asked for too, but only for what they had to do with the appointment.
UNASKED = """
SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id IS NULL AND subject_id = ANY($2::uuid[])
  AND (subject_id = ANY($3::uuid[]) OR detail ->> 'appointment_id' = ANY($3::text[])) ORDER BY at, id LIMIT $4
"""
UNASKED_OF_REQUEST = """
SELECT * FROM audit WHERE clinic_id = ANY($1::uuid[]) AND command_id IS NULL AND correlation_id = $2 ORDER BY at, id LIMIT $3
"""
MAX_UNASKED = 200
"""So many effects without a command are told; the newest are left out."""
INBOX = "SELECT message_id, type, received_at FROM inbox WHERE message_id = ANY($1::uuid[])"
OUTBOX = "SELECT topic, body, created_at FROM outbox WHERE position(convert_to($1, 'UTF8') IN body) > 0 ORDER BY id LIMIT $2"
MAX_OUTBOX = 100
"""So many messages that wait to be published are told."""


@dataclass(frozen=True)
class Row:
    """A row of a service's table."""

    service: str
    values: asyncpg.Record | dict[str, Any]

    def __getitem__(self, column: str) -> Any:
        return self.values[column]


@dataclass
class Evidence:
    """Everything that is left of one command, or of what nobody's command did."""

    command_id: UUID | None
    outcome: Row | None = None
    audit: list[Row] = field(default_factory=list)
    inbox: list[Row] = field(default_factory=list)
    outbox: list[Row] = field(default_factory=list)
    records: list[Raw] = field(default_factory=list)
    commands_complete: bool = True
    """Whether a command that is not among the records is not in the log."""

    def __bool__(self) -> bool:
        return bool(self.outcome or self.audit or self.records)

    @property
    def began(self) -> datetime | None:
        """The first time that the stores know of."""
        times = [row["at"] for row in self.audit] + ([self.outcome["accepted_at"]] if self.outcome else [])
        return min(times, default=None)


@dataclass(frozen=True)
class Stores:
    """A snapshot of each database, and the clinics, by which audit rows are found."""

    of: dict[str, Connection]
    clinics: list[UUID]

    @property
    def audited(self) -> list[Connection]:
        return [self.of[service] for service in AUDITED]


@asynccontextmanager
async def opened() -> AsyncIterator[Stores]:
    """The four databases, each at one instant."""
    async with AsyncExitStack() as stack:
        of = {service: await stack.enter_async_context(snapshot(service)) for service in SERVICES}
        clinics = [row["id"] for row in await of["gateway"].fetch("SELECT id FROM clinics")]
        yield Stores(of, clinics)


async def in_stores(stores: Stores, command_id: UUID) -> Evidence:
    """What the databases know of a command, but for its messages, whose ids the log tells."""
    evidence = Evidence(command_id)
    for service in AUDITED:
        rows = await stores.of[service].fetch(AUDIT, stores.clinics, command_id)
        evidence.audit += [Row(service, row) for row in rows]
        found = await stores.of[service].fetch(OUTBOX, str(command_id), MAX_OUTBOX)
        evidence.outbox += [Row(service, {**row, "message": orjson.loads(row["body"])}) for row in found]
    for service in ("availability", "booking"):
        outcome = await stores.of[service].fetchrow(OUTCOME, stores.clinics, command_id)
        evidence.outcome = evidence.outcome or (Row(service, outcome) if outcome else None)
    return evidence


async def without_command(stores: Stores, text: str, found: Sequence[Evidence]) -> Evidence:
    """What happened without a command to what an id names, or by the request that it names. `found` are its commands: what
    happened to their appointments belongs to it."""
    evidence, asked = Evidence(None), uuid_of(text)
    told = [row for command in found for row in command.audit]
    named = {asked, *(row["subject_id"] for row in told if row["action"].startswith("appointment_"))} - {None}
    places = {row["subject_id"] for row in told if uuid_of((row["detail"] or {}).get("appointment_id")) in named}
    for service in AUDITED:
        of, subjects = stores.of[service], [sorted(named | places), sorted(named)]
        rows = await of.fetch(UNASKED, stores.clinics, *subjects, MAX_UNASKED) if named else []
        if not found and not rows:
            rows = await of.fetch(UNASKED_OF_REQUEST, stores.clinics, text, MAX_UNASKED)
        evidence.audit += [Row(service, row) for row in rows]
    return evidence


def uuid_of(value: object) -> UUID | None:
    """A value as an id. What lies in the log may be anybody's: None if it is none."""
    try:
        return UUID(str(value))
    except ValueError:
        return None


async def add_receipts(stores: Stores, evidence: Evidence) -> None:
    """When each service admitted the command's messages."""
    told = {uuid_of(kafka_log.fields(record).get("message_id")) for record in evidence.records}
    messages = (told | {row["message_id"] for row in evidence.audit}) - {None}
    for service in AUDITED:
        evidence.inbox += [Row(service, row) for row in await stores.of[service].fetch(INBOX, list(messages))]


@dataclass(frozen=True)
class Look:
    """How much of the log was read, of which topics not all of the time in question, and why it could not be read, if so."""

    records: list[Raw]
    read: int
    cut: frozenset[str] = frozenset()
    failure: Failure | None = None

    @property
    def complete(self) -> bool:
        return not self.failure and not self.cut

    @property
    def commands_complete(self) -> bool:
        """A gateway's replies are many more than a partition's commands, and say nothing of whether a command came."""
        return not self.failure and not any(topic.name in self.cut for topic in ALL_TOPICS if topic.commands)


async def in_log(texts: Collection[str], since: datetime | None) -> Look:
    """The records that carry one of these ids, from a time on."""
    needles = [text.encode() for text in texts]
    async with kafka_log.reader(addresses.kafka()) as consumer:
        starts, ends, cut = await _window(consumer, since)
        read, found = 0, []
        async for record in kafka_log.read(consumer, starts, ends):
            read += 1
            if any(needle in (record.value or b"") for needle in needles):
                found.append(record)
    return Look(sorted(found, key=lambda record: (record.timestamp, record.topic, record.offset)), read, cut)


async def _window(
    consumer: AIOKafkaConsumer, since: datetime | None
) -> tuple[kafka_log.Offsets, kafka_log.Offsets, frozenset[str]]:
    """From where to where each partition is read, and the topics of those of which that is not all."""
    partitions = kafka_log.partitions_of(declared_topics())
    begins, ends = await kafka_log.bounds(consumer, partitions)
    if since is None:
        starts = {place: max(begins[place], ends[place] - NEWEST_PER_PARTITION) for place in partitions}
        return starts, ends, _cut(starts, begins)
    at = await consumer.offsets_for_times({place: int((since - BEFORE).timestamp() * 1000) for place in partitions})
    starts = {place: found.offset if (found := at.get(place)) else ends[place] for place in partitions}
    bounded = {place: min(ends[place], starts[place] + NEWEST_PER_PARTITION) for place in partitions}
    return starts, bounded, _cut(bounded, ends)


def _cut(read: kafka_log.Offsets, whole: kafka_log.Offsets) -> frozenset[str]:
    """The topics of which less is read than there is."""
    return frozenset(place.topic for place in whole if read[place] != whole[place])


def of_command(records: Sequence[Raw], command_id: UUID | None) -> list[Raw]:
    """The records of one command, or those of none."""
    wanted = str(command_id) if command_id else None
    return [record for record in records if kafka_log.fields(record).get("command_id") == wanted]
