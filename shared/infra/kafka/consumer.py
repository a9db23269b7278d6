"""The consumer of a service: fetch a batch, decode record by record, have its effect in one transaction, then commit its offsets.

Every consumer of every service is made here, and only here: an offset moves only after the SQL commit, and nothing a record
contains can stop the records around it. What is done with a batch that fails: `batch_policy.py`.
"""

import time
from collections.abc import Awaitable, Callable, Collection, Hashable, Iterable, Sequence
from typing import NamedTuple

import structlog
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from shared.contracts.commands import Answer
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.problems import Code
from shared.contracts.topics import Topic, redrive_topic
from shared.infra import inbox
from shared.infra.clockwork import Clock
from shared.infra.inbox import Admitted
from shared.infra.kafka import letters
from shared.infra.kafka.batch_policy import BatchPolicy, HeldUp, Stopping
from shared.infra.kafka.broker import Raw, Subscription
from shared.infra.kafka.paused_partitions import PausedPartitions
from shared.infra.kafka.publisher import NotAccepted, Publisher, Unconfirmed
from shared.infra.kafka.records import Malformed, OfLaterRelease, decode, envelope_of
from shared.infra.metrics import BATCH_DURATION, BATCH_SIZE, MESSAGES
from shared.infra.settings import KafkaSettings
from shared.infra.unit import Unit, Units

log = structlog.get_logger()

Handler = Callable[[Unit, Admitted], Awaitable[None]]
FailureHandler = Callable[[Unit, Message], Awaitable[None]]
"""What a service does, in a transaction of its own, about a command or a step of one that became a dead letter."""


MAX_PARTITION_FETCH_BYTES = 4 * 1024 * 1024


FirstRecords = dict[TopicPartition, Raw]
"""The first record of its kind in each partition that has one."""


class Received(NamedTuple):
    """A record as it was fetched, the record as it first came (another one if it is a redriven dead letter), and its message."""

    fetched: Raw
    record: Raw
    message: Message


class Bad(NamedTuple):
    """A record that nobody can read, and why."""

    fetched: Raw
    record: Raw
    reason: str


class Read(NamedTuple):
    """What a fetched batch holds: what asks for something, what is malformed, and where each partition can be read no further."""

    good: list[Received]
    bad: list[Bad]
    later: FirstRecords


class Consumer:
    """The one consumer of a process: all its topics, in batches."""

    def __init__(
        self,
        broker: KafkaBroker,
        settings: KafkaSettings,
        group: str,
        topics: Sequence[Topic],
        handler: Handler,
        units: Units,
        publisher: Publisher,
        clock: Clock,
        ignored: Collection[type[Message]] = (),
        failed: FailureHandler | None = None,
    ) -> None:
        """Registers the consumer with the broker. Call before the broker starts.

        `ignored` are messages of these topics that ask nothing of the handler: what has no effect needs no transaction.

        `failed` hears of each dead letter that belongs to a command, so that its client gets an answer.
        """
        self.group = group
        self.topics = {topic.name: topic for topic in topics}
        self._redrive = redrive_topic(group).name
        self.policy: BatchPolicy[Received] = BatchPolicy(
            group, clock, self._transaction, self._give_up, answers=lambda: units.database.answers(clock), part_of=_part_of,
        )  # fmt: skip
        self.subscription = Subscription(
            broker, settings, group, self.topics, self.consume,
            auto_offset_reset="earliest", max_partition_fetch_bytes=MAX_PARTITION_FETCH_BYTES,
        )  # fmt: skip
        self._to_letters = frozenset(settings.letter_records.split(","))
        self._paused = PausedPartitions(self.subscription, clock)
        self._refused: set[str] = set()
        """Where bad records stand that come again, since something before them in their partition is held up."""
        self._held: frozenset[TopicPartition] = frozenset()
        """The partitions that this process had when its batch began."""
        self._handler = handler
        self._ignored = frozenset(ignored)
        self._failed = failed
        self._units = units
        self._publisher = publisher

    def stop(self) -> None:
        """Lets the batch in hand end, and takes no other."""
        self.policy.stopping.set()

    def check(self) -> None:
        """Raises `ConnectionError` when the consume loop is dead or has no place in its group yet: what readiness asks."""
        if not self.subscription.alive or (self.subscription.consumer and not self.subscription.assigned):
            raise ConnectionError

    async def consume(self, records: Sequence[Raw]) -> None:
        """Processes one fetched batch to its end, whatever happens to it, and commits its offsets."""
        if self.policy.stopping.is_set():
            return
        started = time.perf_counter()
        self._held = self.subscription.assigned
        try:
            held_up, later = await self._to_its_end(records)
        except Stopping:
            return
        done = [record for record in records if _is_before(record, {**later, **held_up})]
        await self._commit(done)
        self._refused -= set(map(letters.place_of, done)) if self._refused else set()
        self._paused.come_back_to(held_up)
        self._paused.stop_at({partition: record for partition, record in later.items() if partition not in held_up})
        BATCH_SIZE.observe(len(records))
        BATCH_DURATION.observe(time.perf_counter() - started)

    async def _to_its_end(self, records: Sequence[Raw]) -> tuple[FirstRecords, FirstRecords]:
        """Everything up to the first record of each partition that is held up, or of a later release; these are returned.

        Lets no error out: the client would fetch on behind it, and the next commit would lose this batch's records.
        """
        attempt = 0
        while True:
            try:
                read = self._read(records)
                for bad in read.bad:
                    await self._refuse(bad)
                held_up = _first_of(one.fetched for one in await self.policy.run(read.good))
                if held_up and self.subscription.consumer is None:  # the in-memory broker of tests brings nothing again
                    raise HeldUp
                return held_up, read.later
            except Stopping:
                raise
            except Exception as error:
                attempt += 1
                log.exception("batch_stuck", group=self.group, attempt=attempt, error=type(error).__name__)
            await self.policy.back_off(attempt)

    def _read(self, records: Sequence[Raw]) -> Read:
        read = Read([], [], {})
        for record in records:
            original = self._original(record)
            if original is None or partition_of(record) in read.later:
                continue
            try:
                message = decode(self.topics[original.topic], original.value)
            except Malformed as error:
                read.bad.append(Bad(record, original, str(error)))
                continue
            except OfLaterRelease as error:
                if letters.place_of(record) in self._to_letters:
                    read.bad.append(Bad(record, original, str(error)))
                else:
                    read.later[partition_of(record)] = record
                continue
            if type(message) in self._ignored:
                MESSAGES.labels(topic=original.topic, type=message.type, outcome="skipped").inc()
            else:
                read.good.append(Received(record, original, message))
        return read

    async def _refuse(self, bad: Bad) -> None:
        """Puts a bad record with the dead letters, once, and tells who waits for it, if that can be read."""
        if letters.place_of(bad.fetched) in self._refused:
            return
        await self._dead_letter(bad.record, bad.reason, attempts=1)
        self._refused.add(letters.place_of(bad.fetched))
        await self._fail(envelope_of(self.topics[bad.record.topic], bad.record.value))

    def _original(self, record: Raw) -> Raw | None:
        """The record, or a redriven dead letter as it first came."""
        if record.topic != self._redrive:
            return record
        original = letters.restored(record, self.topics.keys() - {self._redrive})
        if original is None:  # nothing is lost: the letter itself stays where it is
            log.error("redriven_from_nowhere", topic=record.topic, partition=record.partition, offset=record.offset)
        return original

    async def _transaction(self, items: Sequence[Received], *, brief: bool) -> None:
        messages = [one.message for one in items]
        async with self._units.batch({message.clinic_id for message in messages}, brief=brief) as unit:
            admitted = await inbox.admit(unit.connection, messages)
            for message in admitted.reused:
                unit.reply(message, Answer.refusal(Code.KEY_REUSED))
            if admitted.fresh or admitted.repeats:
                await self._handler(unit, admitted)
        self._count(items, admitted)

    def _count(self, received: Sequence[Received], admitted: Admitted) -> None:
        fresh = {id(message) for message in admitted.fresh}
        for _, record, message in received:
            outcome = "processed" if id(message) in fresh else "repeated"
            MESSAGES.labels(topic=record.topic, type=message.type, outcome=outcome).inc()
            log.debug("message_handled", outcome=outcome, **traced(message))

    async def _give_up(self, one: Received, reason: str, attempts: int) -> None:
        log.error("message_given_up", attempts=attempts, error=reason, **traced(one.message))
        await self._dead_letter(one.record, reason, attempts)
        await self._fail(one.message)

    async def _fail(self, message: Message | None) -> None:
        """Tells of a command that will not be carried on. If even that fails its client is told by the command's deadline."""
        failed = self._failed
        if failed is None or message is None or message.command_id is None:
            return

        async def tell() -> None:
            async with self._units.batch({message.clinic_id}) as unit:
                await failed(unit, message)

        try:
            await self.policy.until_committed(tell)
        except Stopping:
            raise
        except Exception as error:
            log.exception("failure_not_told", error=type(error).__name__, **traced(message))

    async def _dead_letter(self, record: Raw, reason: str, attempts: int) -> None:
        """Puts a record where a person finds it. Until the broker has it nothing goes on and no offset moves."""
        letter = letters.dead_letter(self.topics[record.topic], self.group, record, reason, attempts)
        attempt = 0
        while True:
            try:
                await self._publisher.send(letter)
                break
            except (NotAccepted, Unconfirmed) as error:
                attempt += 1
                log.error("dead_letter_not_written", topic=letter.topic, attempt=attempt, error=type(error).__name__)
                await self.policy.back_off(attempt)
            if self.subscription.assigned != self._held:
                # Since then every record whose offset is not committed is fetched again, by whoever has its partition now:
                # that process writes the letter, and this one must not stand still for it.
                raise Stopping
        MESSAGES.labels(topic=record.topic, type="unknown", outcome="dead_lettered").inc()
        log.error("dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)

    async def _commit(self, records: Sequence[Raw]) -> None:
        """Commits the position behind each partition's last record. A failure is harmless: the inbox knows what comes again."""
        consumer = self.subscription.consumer
        if consumer is None:  # the in-memory broker of tests has no offsets
            return
        offsets = {partition_of(record): record.offset + 1 for record in records}
        if not offsets:
            return
        try:
            await consumer.commit(offsets)
        except (KafkaError, OSError, ValueError) as error:
            log.warning("offsets_not_committed", group=self.group, error=type(error).__name__)


def partition_of(record: Raw) -> TopicPartition:
    """Where a record stands."""
    return TopicPartition(record.topic, record.partition)


def _part_of(received: Received) -> Hashable:
    """What a message waits for together with others: the locks of its doctor, else those of what its key names."""
    message = received.message
    return (message.clinic_id, message.doctor_id) if isinstance(message, DayMessage) else message.key


def _first_of(records: Iterable[Raw]) -> FirstRecords:
    """The first of some records, in the order of their offsets, in each partition."""
    first: FirstRecords = {}
    for record in sorted(records, key=lambda one: one.offset):
        first.setdefault(partition_of(record), record)
    return first


def _is_before(record: Raw, first: FirstRecords) -> bool:
    """Whether a record is before the one that its partition stops at, if it stops."""
    stop = first.get(partition_of(record))
    return stop is None or record.offset < stop.offset


def traced(message: Message) -> dict[str, str]:
    """What a log line needs so that the way of a command can be followed through the services."""
    return {
        "type": message.type,
        "message_id": str(message.message_id),
        "correlation_id": message.correlation_id,
        "command_id": str(message.command_id),
        "clinic_id": str(message.clinic_id),
    }
