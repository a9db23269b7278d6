"""Makes the topics that `shared.contracts.topics` declares; brokers create none by themselves.

Called by `frontdesk topics create`, `frontdesk up`, `deploy.compose` and test fixtures. Safe to repeat. Of topics that exist,
`MENDED` settings are brought into line, which loses nothing; what else differs from its declaration is reported, never changed.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from deploy.failure import Failure
from deploy.stores import kafka_clients
from shared.contracts.topics import ALL_TOPICS, Topic, dead_letter_topics, redrive_topics
from shared.infra.settings import KafkaConnection

REQUEST_TIMEOUT_MS = 30_000
TOPIC_ALREADY_EXISTS = 36
SET_FOR_THE_TOPIC = 1
"""Kafka's mark of a setting that a topic has of its own (`DYNAMIC_TOPIC_CONFIG`)."""
USUAL_REPLICATION = 3
"""With three copies of a record one broker may be lost while another is being restarted."""
MENDED = ("min.insync.replicas", "message.timestamp.type")


@dataclass(frozen=True)
class TopicsReport:
    """What `create_topics` did, by topic name; what it changed and what differs, in words."""

    created: list[str] = field(default_factory=list)
    existing: list[str] = field(default_factory=list)
    changed: list[str] = field(default_factory=list)
    differences: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Found:
    """A topic as the cluster has it. `replicas` is the least of its partitions, `own` are settings that it has for itself."""

    partitions: int
    replicas: int
    config: Mapping[str, str]
    own: Mapping[str, str]


async def create_topics(kafka: KafkaConnection, replication: int | None = None, *, flush_commands: bool = False) -> TopicsReport:
    """Make every declared topic, dead letters included, that is not there yet.

    `replication` is the number of brokers that have each record: by default three, or as many as there are. Raises `NoAnswer`
    when no broker answers, `Failure` for what the broker refuses, as more copies than brokers.

    `flush_commands` is for a single broker whose machine may lose power: it acknowledges a command only once it is on its disk.
    """
    declared = declared_topics()
    async with kafka_clients.administrator(kafka, REQUEST_TIMEOUT_MS) as client:
        copies = replication or min(USUAL_REPLICATION, len((await client.describe_cluster())["brokers"]))
        there = set(await client.list_topics())
        missing = [topic for topic in declared if topic.name not in there]
        existing = [topic for topic in declared if topic.name in there]
        await _create(client, missing, copies, flush_commands)
        found = await _find(client, existing)
        changed = await _mend(client, existing, found)
        differences = [line for topic in existing for line in compare(topic, found[topic.name], replication, flush_commands)]
        return TopicsReport([topic.name for topic in missing], [topic.name for topic in existing], changed, differences)


def declared_topics() -> list[Topic]:
    """Every topic there has to be."""
    return [*ALL_TOPICS, *dead_letter_topics(), *redrive_topics()]


async def _create(client: AIOKafkaAdminClient, topics: Iterable[Topic], replication: int, flush: bool) -> None:
    """Create topics; one that somebody else made meanwhile is fine."""
    wanted = [
        NewTopic(topic.name, topic.partitions, replication, topic_configs=topic_config(topic, replication, flush))
        for topic in topics
    ]
    if not wanted:
        return
    answer = await client.create_topics(wanted)
    _raise_refused((name, code, message) for name, code, message, *_ in answer.topic_errors if code != TOPIC_ALREADY_EXISTS)


async def _find(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, Found]:
    """The topics as they are, by name."""
    if not topics:
        return {}
    described = await client.describe_topics([topic.name for topic in topics])
    entries = await _entries_of(client, topics)
    return {
        topic["topic"]: Found(
            partitions=len(topic["partitions"]),
            replicas=min(len(partition["replicas"]) for partition in topic["partitions"]),
            config={entry[0]: entry[1] for entry in entries[topic["topic"]]},
            own={entry[0]: entry[1] for entry in entries[topic["topic"]] if entry[3] == SET_FOR_THE_TOPIC},
        )
        for topic in described
    }


async def settings_of(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, dict[str, str]]:
    """Settings of topics, by topic and setting."""
    return {name: {entry[0]: entry[1] for entry in entries} for name, entries in (await _entries_of(client, topics)).items()}


async def _entries_of(client: AIOKafkaAdminClient, topics: list[Topic]) -> dict[str, list[Any]]:
    """Settings of topics as Kafka says them: name, value, whether it is read-only, its source, and more."""
    resources = [ConfigResource(ConfigResourceType.TOPIC, topic.name) for topic in topics]
    answers: list[Any] = await client.describe_configs(resources)
    return {resource[3]: resource[4] for answer in answers for resource in answer.resources}


async def _mend(client: AIOKafkaAdminClient, topics: list[Topic], found: Mapping[str, Found]) -> list[str]:
    """Bring settings of existing topics into line. Says what was changed.

    The request replaces all settings that a topic has for itself, so those that stay are sent along.
    """
    lines, resources = [], []
    for topic in topics:
        there, wanted = found[topic.name], topic_config(topic, found[topic.name].replicas)
        changes = {name: wanted[name] for name in MENDED if there.config.get(name) != wanted[name]}
        if changes:
            resources.append(ConfigResource(ConfigResourceType.TOPIC, topic.name, {**there.own, **changes}))
        lines += [f"{topic.name}: {name} was {there.config.get(name)}, is {value}" for name, value in changes.items()]
    if resources:
        answers: list[Any] = await client.alter_configs(resources)
        _raise_refused((name, code, message) for answer in answers for code, message, _, name in answer.resources)
    return lines


def _raise_refused(answers: Iterable[tuple[str, int, str | None]]) -> None:
    """Raise `Failure` if the broker refused something, by topic, error code and message."""
    refused = [f"{name}: {message or code}" for name, code, message in answers if code]
    if refused:
        raise Failure(f"the broker refused topics: {'; '.join(refused)}")


def topic_config(topic: Topic, replicas: int = 1, flush: bool = False) -> dict[str, str]:
    """Settings of a topic as the broker names them; `flush` writes each command to disk before it is acknowledged.

    A record has the broker's time: it refuses one of a machine whose clock is an hour ahead, and keeps for too long or too short
    what a wrong clock has dated. Nothing of ours decides by the time of a record.
    A record is acknowledged once all its brokers but one have it: one may be away, and what was acknowledged outlives the loss of
    any.
    """
    declared = {
        "cleanup.policy": topic.cleanup,
        "retention.ms": str(topic.retention_ms),
        "max.message.bytes": str(topic.max_message_bytes),
        "min.insync.replicas": str(max(1, replicas - 1)),
        "message.timestamp.type": "LogAppendTime",
    }
    return declared | ({"flush.messages": "1"} if flush and topic.commands else {})


def compare(topic: Topic, found: Found, replication: int | None = None, flush: bool = False) -> list[str]:
    """Differences of one topic from its declaration that stay, a line each. Without `replication` any number of copies does."""
    lines = []
    if found.partitions != topic.partitions:
        lines.append(f"{topic.name}: {found.partitions} partitions, declared {topic.partitions}")
    if replication is not None and found.replicas < replication:
        lines.append(f"{topic.name}: {found.replicas} copies, asked for {replication} (kafka-reassign-partitions.sh makes more)")
    for name, declared in topic_config(topic, found.replicas, flush).items():
        if name not in MENDED and found.config.get(name) != declared:
            lines.append(f"{topic.name}: {name} is {found.config.get(name)}, declared {declared}")
    return lines
