"""The delivery runner: fetch a batch, decode record by record, have its effect in one transaction, then commit its offsets.

Every consumer of every service is made here, and only here: acknowledgement is manual, an offset moves only after the SQL commit,
and nothing a record contains can stop the records around it. The rules and why they are so: `docs/architecture.md`.
"""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.coordinator.assignors.range import RangePartitionAssignor
from aiokafka.errors import KafkaError
from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.message import KafkaMessage

from shared.contracts.commands import Answer, CommandFailed
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.problems import Code
from shared.contracts.topics import Topic, redrive_topic
from shared.infra import inbox, letters
from shared.infra.errors import is_conflict, is_transient
from shared.infra.inbox import Admitted
from shared.infra.kafka import Malformed, NotAccepted, Publisher, Unconfirmed, decode, envelope_of
from shared.infra.metrics import BATCH_DURATION, BATCH_RETRIES, BATCH_SIZE, MESSAGES
from shared.infra.settings import KafkaSettings
from shared.infra.unit import Unit, Units

log = structlog.get_logger()

Handler = Callable[[Unit, Admitted], Awaitable[None]]
Failure = Callable[[Unit, Message], Awaitable[None]]
"""What a service does, in a transaction of its own, about a command or a step of one that became a dead letter."""
Received = tuple[ConsumerRecord[Any, Any], Message]

ATTEMPTS_ALONE = 5
"""So often a record may fail by itself before it is dead-lettered."""
CONFLICT_ATTEMPTS = 8
"""So often a batch may meet a constraint that its own checks did not foresee before that counts as a bug."""
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 5.0


class Stopping(Exception):
    """The process is shutting down, or its partitions changed: the batch is left as it is, its offsets unmoved."""


class Delivery:
    """One consumer of one process: all its topics, in batches."""

    def __init__(
        self,
        group: str,
        topics: Sequence[Topic],
        handler: Handler,
        units: Units,
        publisher: Publisher,
        ignored: Collection[type[Message]] = (),
        failed: Failure | None = None,
    ) -> None:
        """`ignored` are messages of these topics that ask nothing of the handler: what has no effect needs no transaction.

        `failed` hears of each dead letter that belongs to a command, so that its client gets an answer.
        """
        self.group = group
        self.topics = {topic.name: topic for topic in topics}
        self._redrive = redrive_topic(group).name
        self.stopping = asyncio.Event()
        self.subscriber: Any = None
        self._held: frozenset[TopicPartition] = frozenset()
        """The partitions that this process had when its batch began."""
        self._handler = handler
        self._ignored = frozenset(ignored)
        self._failed = failed
        self._units = units
        self._publisher = publisher

    def subscribe(self, broker: KafkaBroker, settings: KafkaSettings) -> None:
        """Registers the consumer with the broker. Call once, before the broker starts."""
        self.subscriber = broker.subscriber(
            *self.topics,
            group_id=self.group,
            batch=True,
            max_records=settings.batch_max_records,
            batch_timeout_ms=settings.batch_timeout_ms,
            ack_policy=AckPolicy.MANUAL,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(RangePartitionAssignor,),
            session_timeout_ms=settings.session_timeout_ms,
            max_partition_fetch_bytes=4 * 1024 * 1024,
            fetch_max_wait_ms=100,
            parser=raw_batch,
            decoder=records_of,
            no_reply=True,
        )
        self.subscriber(self.consume)

    def check(self) -> None:
        """Raises `ConnectionError` when the consume loop is dead or has no place in its group yet: what readiness asks."""
        consumer = self.subscriber.consumer
        alive = self.subscriber.running and not any(task.done() for task in self.subscriber.tasks)
        if not alive or (isinstance(consumer, AIOKafkaConsumer) and not consumer.assignment()):
            raise ConnectionError

    async def consume(self, records: Sequence["ConsumerRecord[Any, Any]"]) -> None:
        """Processes one fetched batch to its end, whatever happens to it, and commits its offsets."""
        if self.stopping.is_set():
            return
        started = time.perf_counter()
        self._held = self._assigned()
        try:
            await self._to_its_end(self._restored(records))
        except Stopping:
            return
        await self._commit(records)
        BATCH_SIZE.observe(len(records))
        BATCH_DURATION.observe(time.perf_counter() - started)

    async def _to_its_end(self, records: Sequence["ConsumerRecord[Any, Any]"]) -> None:
        """Lets no error out: the client would fetch on behind it, and the next commit would lose this batch's records."""
        attempt = 0
        while True:
            try:
                await self._process(await self._decoded(records))
                return
            except Stopping:
                raise
            except Exception as error:
                attempt += 1
                log.exception("batch_stuck", group=self.group, attempt=attempt, error=type(error).__name__)
            await self._back_off(attempt)

    def _restored(self, records: Sequence["ConsumerRecord[Any, Any]"]) -> list["ConsumerRecord[Any, Any]"]:
        """The records, each redriven dead letter among them as it first came."""
        found = []
        for record in records:
            original = self._original(record) if record.topic == self._redrive else record
            if original is not None:
                found.append(original)
        return found

    def _original(self, redriven: "ConsumerRecord[Any, Any]") -> "ConsumerRecord[Any, Any] | None":
        original = letters.restored(redriven, self.topics.keys() - {self._redrive})
        if original is None:  # nothing is lost: the letter itself stays where it is
            log.error("redriven_from_nowhere", topic=redriven.topic, partition=redriven.partition, offset=redriven.offset)
        return original

    async def _decoded(self, records: Sequence["ConsumerRecord[Any, Any]"]) -> list[Received]:
        """The good records that ask for something; a malformed one is dead-lettered here and now."""
        received: list[Received] = []
        for record in records:
            try:
                message = decode(self.topics[record.topic], record.value)
            except Malformed as error:
                await self._dead_letter(record, str(error), attempts=1)
                await self._fail(envelope_of(self.topics[record.topic], record.value))
                continue
            if message is None or type(message) in self._ignored:
                MESSAGES.labels(topic=record.topic, type=message.type if message else "unknown", outcome="skipped").inc()
            else:
                received.append((record, message))
        return received

    async def _process(self, received: list[Received]) -> None:
        """The batch in one transaction; if it still fails, record by record."""
        if not received:
            return
        try:
            await self._retried(received)
        except Stopping:
            raise
        except Exception as error:
            log.exception("batch_failed", group=self.group, size=len(received), error=type(error).__name__)
            for one in received:
                await self._alone(one)

    async def _retried(self, received: list[Received]) -> None:
        """Has the batch's effect; waits out transient errors with the offsets unmoved."""
        await self._until_committed(lambda: self._transaction(received))

    async def _until_committed(self, transaction: Callable[[], Awaitable[None]]) -> None:
        """Runs a transaction until it commits, or fails with what no waiting mends."""
        attempt = 0
        while True:
            try:
                await transaction()
                return
            except Exception as error:
                attempt += 1
                if not is_transient(error) or (is_conflict(error) and attempt >= CONFLICT_ATTEMPTS):
                    raise
                BATCH_RETRIES.labels(kind=type(error).__name__).inc()
                log.warning("batch_retried", group=self.group, attempt=attempt, error=type(error).__name__)
                await self._back_off(attempt)

    async def _transaction(self, received: list[Received]) -> None:
        messages = [message for _, message in received]
        async with self._units.batch({message.clinic_id for message in messages}) as unit:
            admitted = await inbox.admit(unit.connection, messages)
            for message in admitted.reused:
                unit.reply(message, Answer.refusal(Code.KEY_REUSED))
            if admitted.fresh or admitted.repeats:
                await self._handler(unit, admitted)
        self._count(received, admitted)

    def _count(self, received: list[Received], admitted: Admitted) -> None:
        fresh = {id(message) for message in admitted.fresh}
        for record, message in received:
            outcome = "processed" if id(message) in fresh else "repeated"
            MESSAGES.labels(topic=record.topic, type=message.type, outcome=outcome).inc()
            log.debug("message_handled", outcome=outcome, **traced(message))

    async def _alone(self, one: Received) -> None:
        """One record by itself; after five failures it is a dead letter, and the others go on."""
        for attempt in range(1, ATTEMPTS_ALONE + 1):
            try:
                await self._retried([one])
                return
            except Stopping:
                raise
            except Exception as error:
                reason = type(error).__name__
                log.exception("message_failed", attempt=attempt, **traced(one[1]))
            await self._back_off(attempt)
        await self._dead_letter(one[0], reason, ATTEMPTS_ALONE)
        await self._fail(one[1])

    async def _fail(self, message: Message | None) -> None:
        """Tells of a command that will not be carried on. If even that fails its client is told by the command's deadline."""
        failed = self._failed
        if failed is None or message is None or message.command_id is None:
            return

        async def tell() -> None:
            async with self._units.batch({message.clinic_id}) as unit:
                await failed(unit, message)

        try:
            await self._until_committed(tell)
        except Stopping:
            raise
        except Exception as error:
            log.exception("failure_not_told", error=type(error).__name__, **traced(message))

    async def _dead_letter(self, record: "ConsumerRecord[Any, Any]", reason: str, attempts: int) -> None:
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
                await self._back_off(attempt)
            if self._assigned() != self._held:
                # Since then every record whose offset is not committed is fetched again, by whoever has its partition now:
                # that process writes the letter, and this one must not stand still for it.
                raise Stopping
        MESSAGES.labels(topic=record.topic, type="unknown", outcome="dead_lettered").inc()
        log.error("dead_lettered", topic=record.topic, partition=record.partition, offset=record.offset, reason=reason)

    def _assigned(self) -> frozenset[TopicPartition]:
        """The partitions that this process has at this moment; none before it has joined its group."""
        consumer = self.subscriber and self.subscriber.consumer
        return frozenset(consumer.assignment()) if isinstance(consumer, AIOKafkaConsumer) else frozenset()

    async def _back_off(self, attempt: int) -> None:
        """Capped exponential back-off with full jitter, cut short by shutdown."""
        delay = random.uniform(0, min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2**attempt))
        try:
            await asyncio.wait_for(self.stopping.wait(), delay)
        except TimeoutError:
            return
        raise Stopping

    async def _commit(self, records: Sequence["ConsumerRecord[Any, Any]"]) -> None:
        """Commits the position behind each partition's last record. A failure is harmless: the inbox knows what comes again."""
        consumer = self.subscriber.consumer
        if not isinstance(consumer, AIOKafkaConsumer):  # the in-memory broker of tests has no offsets
            return
        offsets = {TopicPartition(record.topic, record.partition): record.offset + 1 for record in records}
        try:
            await consumer.commit(offsets)
        except (KafkaError, ValueError) as error:
            log.warning("offsets_not_committed", group=self.group, error=type(error).__name__)


def traced(message: Message) -> dict[str, str]:
    """What a log line needs so that the way of a command can be followed through the services."""
    return {
        "type": message.type,
        "message_id": str(message.message_id),
        "correlation_id": message.correlation_id,
        "command_id": str(message.command_id),
        "clinic_id": str(message.clinic_id),
    }


def tell_holder(topic: Topic) -> Failure:
    """For a service that holds no outcomes: says on `topic` that a command failed, behind what it has said there of it before.

    A malformed command may not even say which day it was about; its client is told by the command's deadline.
    """

    async def tell(unit: Unit, message: Message) -> None:
        if isinstance(message, DayMessage):
            failed = CommandFailed(
                **unit.envelope(message),  # type: ignore[arg-type]  # only called for what belongs to a command
                doctor_id=message.doctor_id,
                date=message.date,
                failed=message.type,
                is_first_step=message.is_command,
            )
            unit.emit(topic, failed)

    return tell


async def raw_batch(records: tuple["ConsumerRecord[Any, Any]", ...]) -> KafkaMessage:
    """FastStream's message for a batch, untouched: its own parser would fail the whole batch on one header that is not UTF-8."""
    return KafkaMessage(body=b"", raw_message=records, consumer=None)  # type: ignore[arg-type]


async def records_of(message: KafkaMessage) -> Any:
    """Hands the records as they came to the runner, which decodes them one by one."""
    return message.raw_message
