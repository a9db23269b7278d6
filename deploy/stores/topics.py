"""Makes the topics that `shared.contracts.topics` declares; brokers create none by themselves.

Called by `frontdesk topics create`, `frontdesk up`, `deploy.compose` and test fixtures. Safe to repeat: what exists is left
alone, and what differs from its declaration is reported, never changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.failure import Failure
from deploy.stores import kafka_clients
from shared.contracts.topics import ALL_TOPICS, Topic, dead_letter_topics, redrive_topics

REQUEST_TIMEOUT_MS = 30_000
TOPIC_ALREADY_EXISTS = 36


@dataclass(frozen=True)
class TopicsReport:
    """What `create_topics` did, by topic name."""

    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


async def create_topics(bootstrap_servers: str, replication_factor: int = 1, *, flush_commands: bool = False) -> TopicsReport:
    """Make every declared topic, dead letters included, that is not there yet.

    Raises `NoAnswer` when no broker does.

    `flush_commands` is for a single broker whose machine may lose power: it acknowledges a command only once it is on its disk.
    """
    declared = declared_topics()
    async with kafka_clients.administrator(bootstrap_servers, REQUEST_TIMEOUT_MS) as client:
        found = set(await client.list_topics())
        missing = [topic for topic in declared if topic.name not in found]
        existing = [topic for topic in declared if topic.name in found]
        await _create(client, missing, replication_factor, flush_commands)
        differences = await _differences(client, existing, flush_commands)
        return TopicsReport([topic.name for topic in missing], [topic.name for topic in existing], differences)


def declared_topics() -> list[Topic]:
    """Every topic there has to be."""
    return [*ALL_TOPICS, *dead_letter_topics(), *redrive_topics()]


async def _create(client: AIOKafkaAdminClient, topics: Iterable[Topic], replication_factor: int, flush: bool) -> None:
    """Create topics; one that somebody else made meanwhile is fine."""
    wanted = [
        NewTopic(topic.name, topic.partitions, replication_factor, topic_configs=topic_config(topic, flush)) for topic in topics
    ]
    if not wanted:
        return
    answer = await client.create_topics(wanted)
    refused = [
        f"{name}: {message or code}" for name, code, message, *_ in answer.topic_errors if code not in (0, TOPIC_ALREADY_EXISTS)
    ]
    if refused:
        raise Failure(f"the broker refused topics: {'; '.join(refused)}")


async def _differences(client: AIOKafkaAdminClient, topics: list[Topic], flush: bool) -> list[str]:
    """What of the existing topics is not as declared, in words."""
    if not topics:
        return []
    described = await client.describe_topics([topic.name for topic in topics])
    partitions = {found["topic"]: len(found["partitions"]) for found in described}
    configs = await settings_of(client, topics)
    return [line for topic in topics for line in compare(topic, partitions[topic.name], configs[topic.name], flush)]


async def settings_of(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, dict[str, str]]:
    """Settings of topics, by topic and setting."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    answers: list[Any] = await client.describe_configs(resources)
    return {resource[3]: {entry[0]: entry[1] for entry in resource[4]} for answer in answers for resource in answer.resources}


def topic_config(topic: Topic, flush: bool = False) -> dict[str, str]:
    """Settings of a topic as the broker names them; `flush` writes each command to disk before it is acknowledged."""
    declared = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes),
    }
    return declared | ({"flush.messages": "1"} if flush and topic.commands else {})


def compare(topic: Topic, partitions: int, config: Mapping[str, str], flush: bool = False) -> list[str]:
    """Differences of one topic from its declaration, a line each."""
    lines = []
    if partitions != topic.partitions:
        lines.append(f"{topic.name}: {partitions} partitions, declared {topic.partitions}")
    for name, declared in topic_config(topic, flush).items():
        if config.get(name) != declared:
            lines.append(f"{topic.name}: {name} is {config.get(name)}, declared {declared}")
    return lines
