"""Dead letters as operations see them: which there are, which were redriven already, and how one goes back to its group.

Which were redriven is read from the redrive topics themselves: each record there names its dead letter, and both are kept equally
long. Called by `frontdesk dlq`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import KafkaRecord
from deploy.stores import kafka_clients
from shared.contracts.topics import ALL_TOPICS, dead_letter_topics, redrive_topics
from shared.infra.kafka import letters
from shared.infra.kafka.records import Malformed, OfLaterRelease, decode
from shared.infra.settings import KafkaConnection

NEWEST_PER_PARTITION = 10_000
"""Of a partition with more dead letters only the newest are read."""

TOPICS = {topic.name: topic for topic in dead_letter_topics()}
"""The topics of dead letters by name."""
SOURCES = {topic.dead_letters(group): (topic, group) for topic in ALL_TOPICS for group in topic.groups}
"""The topic that a dead letter comes from and the group that could not process it, by the name of the dead letters' topic."""


@dataclass(frozen=True)
class DeadLetter:
    """One dead letter, and whether it was handed back already."""

    record: KafkaRecord
    redriven: bool

    @property
    def place(self) -> str:
        """Its name for a person: `topic:partition:offset`."""
        return letters.place_of(self.record)

    @property
    def group(self) -> str:
        return SOURCES[self.record.topic][1]

    @property
    def error(self) -> str:
        return letters.headers_of(self.record).get(letters.ERROR, "unknown")

    @property
    def type(self) -> str:
        return str(kafka_log.fields(self.record).get("type", "unreadable"))

    @property
    def why_not(self) -> str | None:
        """Why it cannot go back as it is, if so: what cannot be read would become a letter again, or stop its partition."""
        source, _ = SOURCES[self.record.topic]
        if letters.restored(self.record, [source.name]) is None:
            return "it has no frontdesk-… headers that say where it came from: no service wrote it"
        try:
            decode(source, self.record.value)
        except Malformed as malformed:
            return f"malformed: {malformed}"
        except OfLaterRelease as later:
            return f"of a later release: {later}"
        return None


async def find(consumer: AIOKafkaConsumer, topics: Collection[str] = tuple(TOPICS)) -> list[DeadLetter]:
    """The dead letters of topics, the oldest first."""
    redriven = {
        letters.headers_of(record).get(letters.LETTER)
        async for record in kafka_log.newest(consumer, kafka_log.partitions_of(list(redrive_topics())), NEWEST_PER_PARTITION)
    }
    partitions = kafka_log.partitions_of([TOPICS[name] for name in topics])
    found = [record async for record in kafka_log.newest(consumer, partitions, NEWEST_PER_PARTITION)]
    found.sort(key=lambda record: (record.timestamp, record.topic, record.partition, record.offset))
    return [DeadLetter(record, letters.place_of(record) in redriven) for record in found]


async def named(consumer: AIOKafkaConsumer, name: str) -> list[DeadLetter]:
    """The letters that `topic:partition:offset` or a message id names; none if there are none."""
    topic, _, _ = name.partition(":")
    return [
        letter
        for letter in await find(consumer, [topic] if topic in TOPICS else tuple(TOPICS))
        if name in (letter.place, kafka_log.fields(letter.record).get("message_id"))
    ]


def summary(found: Sequence[DeadLetter]) -> list[dict[str, Any]]:
    """One row for each topic and group that has dead letters."""
    rows = []
    for name in sorted({letter.record.topic for letter in found}):
        of_topic = [letter for letter in found if letter.record.topic == name]
        rows.append({
            "topic": name,
            "group": SOURCES[name][1],
            "count": len(of_topic),
            "waiting": sum(not letter.redriven for letter in of_topic),
            "oldest": kafka_log.instant(of_topic[0].record),
            "newest": kafka_log.instant(of_topic[-1].record),
            "types": dict(Counter(letter.type for letter in of_topic)),
            "errors": dict(Counter(letter.error for letter in of_topic)),
        })  # fmt: skip
    return rows


def shown(letter: DeadLetter) -> dict[str, Any]:
    """A dead letter as one JSON object: where it comes from, why it failed, the headers that the record had, its body."""
    headers = letters.headers_of(letter.record)
    record = kafka_log.shown(letter.record)
    return {
        "letter": letter.place,
        "group": letter.group,
        "redriven": letter.redriven,
        "error": letter.error,
        "attempts": _number(headers.get(letters.ATTEMPTS)),
        "source": {name: headers.get(header) for name, header in _SOURCE.items()},
        "headers": _original_headers(headers.get(letters.ORIGINAL_HEADERS, "{}")),
        "dead_lettered_at": record["timestamp"],
        "key": record["key"],
        "type": record["type"],
        "message": record["message"],
    }


_SOURCE = {"topic": letters.TOPIC, "partition": letters.PARTITION, "offset": letters.OFFSET}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _original_headers(text: str) -> dict[str, str | None]:
    """The headers of the record that failed, as text. What no service of ours wrote is shown as it is."""
    try:
        found = orjson.loads(text).items()
        return {name: None if value is None else bytes.fromhex(value).decode(errors="replace") for name, value in found}
    except (ValueError, TypeError, AttributeError):
        return {letters.ORIGINAL_HEADERS: text}


async def redrive(kafka: KafkaConnection, chosen: Sequence[DeadLetter]) -> None:
    """Send dead letters to the redrive topics of their groups, in order, and wait until the broker has them all.

    All records are made before one is sent: one that cannot be made stops them all.
    """
    records = [letters.redriven(letter.record, letter.group) for letter in chosen]
    async with kafka_clients.writer(kafka) as producer:
        for record in records:
            headers = [(name, value.encode()) for name, value in record.headers.items()]
            await producer.send_and_wait(record.topic, record.body, key=record.key, headers=headers)
