"""Dead letters, there and back: the letter itself, the record that redrives one, and what the consumer makes of it again.

A letter goes back on the redrive topic of its group, which nobody else reads: other groups of its source topic never meet it. The
consumer then handles it as the record that it was. Called by `consumer.py` and by `frontdesk dlq`.
"""

import dataclasses
from collections.abc import Collection

import orjson

from shared.contracts.topics import Topic, redrive_topic
from shared.infra.kafka.broker import Raw
from shared.infra.kafka.records import Record

TOPIC = "frontdesk-topic"
PARTITION = "frontdesk-partition"
OFFSET = "frontdesk-offset"
ERROR = "frontdesk-error"
ATTEMPTS = "frontdesk-attempts"
ORIGINAL_HEADERS = "frontdesk-headers-hex"
LETTER = "frontdesk-letter"
"""Only on redriven records: which dead letter it was, as `topic:partition:offset`. So that topic tells what was redriven."""


def headers_of(record: Raw) -> dict[str, str]:
    """The headers that we wrote, as text; anybody may write others, which need not be text."""
    return {name: value.decode(errors="replace") for name, value in record.headers if value is not None}


def place_of(record: Raw) -> str:
    """Where a record stands, as a person types it."""
    return f"{record.topic}:{record.partition}:{record.offset}"


def dead_letter(topic: Topic, group: str, record: Raw, reason: str, attempts: int) -> Record:
    """The dead letter of a record: the same key and body, and headers that say where it came from and why."""
    original = {name: None if value is None else value.hex() for name, value in record.headers}
    headers = {
        TOPIC: record.topic,
        PARTITION: str(record.partition),
        OFFSET: str(record.offset),
        ERROR: reason[:500],
        ATTEMPTS: str(attempts),
        ORIGINAL_HEADERS: orjson.dumps(original).decode(),
    }
    return Record(topic.dead_letters(group), record.key or b"", record.value or b"", "", headers=headers)


def redriven(letter: Raw, group: str) -> Record:
    """The record that hands a dead letter to its group once more, with its key and its body."""
    told = headers_of(letter)
    kept = {name: told[name] for name in (TOPIC, PARTITION, OFFSET, ORIGINAL_HEADERS)}
    key, body = letter.key or b"", letter.value or b""
    return Record(redrive_topic(group).name, key, body, "", headers={**kept, LETTER: place_of(letter)})


def restored(record: Raw, sources: Collection[str]) -> Raw | None:
    """A redriven record as it first came, from one of these topics; None if it does not say so: whoever wrote it was not us."""
    told = headers_of(record)
    try:
        topic, partition, offset = told[TOPIC], int(told[PARTITION]), int(told[OFFSET])
        original = orjson.loads(told[ORIGINAL_HEADERS])
        headers = [(str(name), None if value is None else bytes.fromhex(value)) for name, value in original.items()]
    except (KeyError, ValueError, TypeError, AttributeError):
        return None
    if topic not in sources:
        return None
    return dataclasses.replace(record, topic=topic, partition=partition, offset=offset, headers=headers)
