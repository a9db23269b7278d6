"""Writes `docs/asyncapi.json` out of `shared/contracts`: every topic, message, key and reader. `make docs` calls it.

FastStream's own generator knows the services as subscribers of raw batches; what goes over the wire is declared in the contracts.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from shared.contracts.envelope import Message
from shared.contracts.topics import ALL_TOPICS, GATEWAY_REPLIES, Topic, redrive_topic
from shared.infra.version import distribution_version

BINDING_VERSION = "0.5.0"
DESCRIPTION = """\
What the services of Frontdesk say to each other over Kafka. Every message is JSON with one envelope, version 1; it carries \
ids, codes, counts and times, and nothing that says who a patient is. Messages of one key stay in order, and each has its effect \
once. Evolution is additive: a reader ignores fields that it does not know."""

Json = dict[str, Any]


def document() -> Json:
    """The AsyncAPI 3.0 document of the whole system."""
    messages = {name: topic for topic in ALL_TOPICS for name in topic.types}
    schemas: Json = {}
    described = {name: _message(topic.types[name], topic, schemas) for name, topic in messages.items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Frontdesk messages",
            "version": distribution_version(),
            "description": DESCRIPTION,
            "license": {"name": "Apache-2.0", "url": "https://www.apache.org/licenses/LICENSE-2.0"},
        },
        "defaultContentType": "application/json",
        "channels": {topic.name: _channel(topic) for topic in ALL_TOPICS},
        "operations": dict(_operations()),
        "components": {"messages": described, "schemas": dict(sorted(schemas.items()))},
    }


def _channel(topic: Topic) -> Json:
    """A topic, and what it has to be made like."""
    configuration = {
        "cleanup.policy": [topic.cleanup],
        "retention.ms": topic.retention_ms,
        "max.message.bytes": topic.max_message_bytes,
    }
    kept = "each key's last for ever" if topic.cleanup == "compact" else str(timedelta(milliseconds=topic.retention_ms))
    return {
        "address": topic.name,
        "description": f"Key: {topic.key}. Kept: {kept.removesuffix(', 0:00:00')}.",
        "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in topic.types},
        "bindings": {
            "kafka": {"partitions": topic.partitions, "topicConfiguration": configuration, "bindingVersion": BINDING_VERSION}
        },
    }


def _operations() -> Iterator[tuple[str, Json]]:
    """Who reads what."""
    for topic in ALL_TOPICS:
        for group in topic.groups:
            yield f"{group}.{topic.name}", _operation(topic, group)


def _operation(topic: Topic, group: str) -> Json:
    """A consumer group's part in a topic, and where what it cannot process goes."""
    channel = f"#/channels/{topic.name}"
    lost = f"What it cannot process is in {topic.dead_letters(group)}; {redrive_topic(group).name} brings it back."
    if topic is GATEWAY_REPLIES:
        lost = "What it cannot process is dropped: nothing depends on it."
    return {
        "action": "receive",
        "summary": f"{group} reads {topic.name}",
        "description": lost,
        "channel": {"$ref": channel},
        "messages": [{"$ref": f"{channel}/messages/{name}"} for name in topic.types],
        "bindings": {"kafka": {"groupId": {"type": "string", "const": group}, "bindingVersion": BINDING_VERSION}},
    }


def _message(kind: type[Message], topic: Topic, schemas: Json) -> Json:
    """A message; the schemas that it needs are put among the others."""
    schema = kind.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas.update(schema.pop("$defs", {}), **{kind.__name__: schema})
    summary, _, more = (kind.__doc__ or "").partition("\n")
    return {
        "name": kind.__name__,
        "title": kind.__name__,
        "summary": summary,
        **({"description": " ".join(more.split())} if more.strip() else {}),
        "payload": {"$ref": f"#/components/schemas/{kind.__name__}"},
        "bindings": {"kafka": {"key": {"type": "string", "description": topic.key}, "bindingVersion": BINDING_VERSION}},
    }
