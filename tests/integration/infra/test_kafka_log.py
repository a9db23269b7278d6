"""Reading Kafka's log from outside: what it costs to find out where partitions begin and end."""

import pytest
from aiokafka.client import AIOKafkaClient

from deploy.embedded.backend import Backend
from deploy.inspect import kafka_log
from deploy.stores import kafka_clients
from deploy.stores.topics import declared_topics


async def test_all_topics_are_asked_for_at_once(servers: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """The client learns of a topic that is not assigned when it is asked for it, and pauses before it asks again."""
    learnt: list[str] = []
    add_topic = AIOKafkaClient.add_topic

    def add(self: AIOKafkaClient, topic: str) -> object:
        learnt.append(topic)
        return add_topic(self, topic)

    monkeypatch.setattr(AIOKafkaClient, "add_topic", add)
    partitions = kafka_log.partitions_of(declared_topics())
    async with kafka_clients.reader(servers.kafka_bootstrap) as consumer:
        begins, ends = await kafka_log.bounds(consumer, partitions)
    assert begins.keys() == ends.keys() == set(partitions)
    assert learnt == []
