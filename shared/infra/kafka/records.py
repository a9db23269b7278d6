"""Records: what is written to Kafka, and the messages that are read out of it."""

from dataclasses import dataclass, field
from typing import Any, cast

import orjson
from pydantic import ValidationError

from shared.contracts.envelope import ClientCommand, DayMessage, Message
from shared.contracts.topics import MAX_MESSAGE_BYTES, Topic

CORRELATION_HEADER = "correlation_id"


class Malformed(Exception):
    """A record that no retry can make right: it goes to the dead letters at once."""


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


def decode(topic: Topic, value: bytes | None) -> Message | None:
    """The message of a record, or None for a type that a newer service added to an event topic.

    Raises `Malformed` for what is too large, no JSON, of another version, of a wrong shape, or an unknown type of command.
    """
    fields = _json_object(value)
    if fields.get("v") != 1:
        raise Malformed("unknown_version")
    message = topic.types.get(cast(str, fields.get("type")))
    if message is None:
        if topic.commands or not isinstance(fields.get("type"), str):
            raise Malformed("unknown_type")
        return None
    try:
        return message.model_validate(fields)
    except ValidationError as error:
        where = ",".join(".".join(map(str, e["loc"])) for e in error.errors(include_input=False, include_url=False))
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
