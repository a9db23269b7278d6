"""Dead letters as operations see them: what lies in the topics, which were redriven already, and how one goes back.

Which were redriven is read from the redrive topics themselves: each record there names its letter, and both are kept as long.
Called by `frontdesk dlq`.
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from aiokafka import AIOKafkaConsumer

from deploy.inspect import kafka_log
from deploy.inspect.kafka_log import Raw
from shared.contracts.topics import ALL_TOPICS, dead_letter_topics, redrive_topics
from shared.infra.kafka import letters
from shared.infra.kafka.records import Malformed, decode

NEWEST_PER_PARTITION = 10_000
"""A look at more dead letters than that is a look at the newest ones."""

PLACES = {topic.name: topic for topic in dead_letter_topics()}
"""The topics of dead letters by name."""
READERS = {topic.dead_letters(group): (topic, group) for topic in ALL_TOPICS for group in topic.groups}
"""Source topic and group by the name of their dead letters' topic."""


@dataclass(frozen=True)
class Letter:
    """One dead letter."""

    record: Raw
    redriven: bool

    @property
    def place(self) -> str:
        """How it is named: `topic:partition:offset`."""
        return letters.place_of(self.record)

    @property
    def group(self) -> str:
        return READERS[self.record.topic][1]

    @property
    def error(self) -> str:
        return letters.headers_of(self.record).get(letters.ERROR, "unknown")

    @property
    def type(self) -> str:
        return str(kafka_log.fields(self.record).get("type", "unreadable"))

    @property
    def why_not(self) -> str | None:
        """Why it cannot go back as it is, if so: what today's code cannot read it would only put away again."""
        source, _ = READERS[self.record.topic]
        if letters.restored(self.record, [source.name]) is None:
            return "it has no frontdesk-… headers that say where it came from: no service wrote it"
        try:
            message = decode(source, self.record.value)
        except Malformed as malformed:
            return f"malformed: {malformed}"
        return None if message else "of a type that this version does not know"


async def find(consumer: AIOKafkaConsumer, topics: Collection[str] = tuple(PLACES)) -> list[Letter]:
    """The dead letters of topics, the oldest first."""
    done = {
        letters.headers_of(record).get(letters.LETTER)
        async for record in kafka_log.newest(consumer, kafka_log.partitions_of(list(redrive_topics())), NEWEST_PER_PARTITION)
    }
    partitions = kafka_log.partitions_of([PLACES[name] for name in topics])
    found = [record async for record in kafka_log.newest(consumer, partitions, NEWEST_PER_PARTITION)]
    found.sort(key=lambda record: (record.timestamp, record.topic, record.partition, record.offset))
    return [Letter(record, letters.place_of(record) in done) for record in found]


async def named(consumer: AIOKafkaConsumer, name: str) -> list[Letter]:
    """The letters that `topic:partition:offset` or a message id names; none if there are none."""
    topic, _, _ = name.partition(":")
    return [
        letter
        for letter in await find(consumer, [topic] if topic in PLACES else tuple(PLACES))
        if name in (letter.place, kafka_log.fields(letter.record).get("message_id"))
    ]


def summed_up(found: Sequence[Letter]) -> list[dict[str, Any]]:
    """One row for each topic and group that has dead letters."""
    rows = []
    for name in sorted({letter.record.topic for letter in found}):
        of_topic = [letter for letter in found if letter.record.topic == name]
        rows.append({
            "topic": name,
            "group": READERS[name][1],
            "count": len(of_topic),
            "waiting": sum(not letter.redriven for letter in of_topic),
            "oldest": kafka_log.instant(of_topic[0].record),
            "newest": kafka_log.instant(of_topic[-1].record),
            "types": dict(Counter(letter.type for letter in of_topic)),
            "errors": dict(Counter(letter.error for letter in of_topic)),
        })  # fmt: skip
    return rows


def shown(letter: Letter) -> dict[str, Any]:
    """Everything about a letter: where it came from and why it is here, its headers of then, its body."""
    told = letters.headers_of(letter.record)
    record = kafka_log.shown(letter.record)
    return {
        "letter": letter.place,
        "group": letter.group,
        "redriven": letter.redriven,
        "error": letter.error,
        "attempts": _number(told.get(letters.ATTEMPTS)),
        "source": {name: told.get(header) for name, header in _SOURCE.items()},
        "headers": _original_headers(told.get(letters.ORIGINAL_HEADERS, "{}")),
        "dead_lettered_at": record["timestamp"],
        "key": record["key"],
        "type": record["type"],
        "message": record["message"],
    }


_SOURCE = {"topic": letters.TOPIC, "partition": letters.PARTITION, "offset": letters.OFFSET}


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdecimal() else None


def _original_headers(text: str) -> dict[str, str | None]:
    """The headers of the record that failed; bytes that are no text are shown as they best can be, what is not ours as it is."""
    try:
        found = orjson.loads(text).items()
        return {name: None if value is None else bytes.fromhex(value).decode(errors="replace") for name, value in found}
    except (ValueError, TypeError, AttributeError):
        return {letters.ORIGINAL_HEADERS: text}


async def redrive(bootstrap: str, chosen: Sequence[Letter]) -> None:
    """Hands letters to their groups, in order, and waits until the broker has them all. All are made before one is sent."""
    records = [letters.redriven(letter.record, letter.group) for letter in chosen]
    async with kafka_log.writer(bootstrap) as producer:
        for record in records:
            headers = [(name, value.encode()) for name, value in record.headers.items()]
            await producer.send_and_wait(record.topic, record.body, key=record.key, headers=headers)
