"""Records: what is written to Kafka, and the messages that are read out of it."""

from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from pydantic import ValidationError

from shared.contracts.envelope import ClientCommand, DayMessage, Message
from shared.contracts.later_values import is_value
from shared.contracts.topics import MAX_MESSAGE_BYTES, Topic

CORRELATION_HEADER = "correlation_id"


class Malformed(Exception):
    """A record that no retry can make right: it goes to the dead letters at once."""


class OfLaterRelease(Exception):
    """An event that only a newer release can read. Its effect would be lost if a process went on without it."""


@dataclass(frozen=True)
class Record:
    """What is to be written to Kafka. Without `partition` the key decides."""

    topic: str
    key: bytes
    body: bytes
    correlation_id: str
    partition: int | None = None
    headers: dict[str, str] = field(default_factory=dict)


def record_of(topic: Topic, message: Message, partition: int | None = None) -> Record:
    """The record that carries a message."""
    return Record(topic.name, message.key, encode(message), message.correlation_id, partition)


def encode(message: Message) -> bytes:
    """A message as it stands on the wire: JSON without what is not set."""
    return message.model_dump_json(exclude_none=True).encode()


def decode(topic: Topic, value: bytes | None) -> Message:
    """The message of a record.

    Raises `Malformed` for what is too large, no JSON, of no version or of a wrong shape; `OfLaterRelease` for an event of a later
    version, of an unknown type, or with an unknown value in a list that decides what is done. A command is malformed then: its
    client is told so and asks again, while an event is said once.
    """
    fields = _json_object(value)
    later = Malformed if topic.commands else OfLaterRelease
    version, name = fields.get("v"), fields.get("type")
    if version != 1:
        raise (later if isinstance(version, int) and version > 1 else Malformed)("unknown_version")
    message = topic.types.get(cast(str, name))
    if message is None:
        raise (later if name else Malformed)("unknown_type")
    try:
        return message.model_validate(fields)
    except ValidationError as error:
        errors = error.errors(include_url=False)
        where = ",".join(".".join(map(str, one["loc"])) for one in errors)
        if all(one["type"] == "enum" and is_value(one["input"]) for one in errors):
            raise later(f"unknown_value:{where}") from None
        raise Malformed(f"invalid_fields:{where}") from None


def envelope_of(topic: Topic, value: bytes | None) -> ClientCommand | None:
    """What can be read of a malformed command, of whatever type and version: who waits for its answer, and on which day."""
    if not topic.commands:
        return None
    for kind in (_DayEnvelope, ClientCommand):
        try:
            return kind.model_validate({**_json_object(value), "v": 1})
        except (Malformed, ValidationError):
            continue
    return None


class _DayEnvelope(ClientCommand, DayMessage):
    """A command about a doctor's day."""


def _json_object(value: bytes | None) -> dict[str, Any]:
    if value is None or len(value) > MAX_MESSAGE_BYTES:
        raise Malformed("empty" if value is None else "too_large")
    try:
        fields = orjson.loads(value)
    except orjson.JSONDecodeError:
        raise Malformed("invalid_json") from None
    if not isinstance(fields, dict) or not isinstance(fields.get("type"), str | None):
        raise Malformed("not_a_message")
    return fields
