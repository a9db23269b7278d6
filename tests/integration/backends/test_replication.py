"""Topics on a cluster of three brokers: what was acknowledged outlives a broker, and what cannot is not acknowledged."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import NewTopic
from aiokafka.errors import KafkaError, NotEnoughReplicasAfterAppendError, NotEnoughReplicasError

from deploy.embedded.kafka import NODE_ID, Kafka
from deploy.embedded.kafka_archive import java_options
from deploy.embedded.ports import LOOPBACK, Claims
from deploy.embedded.servers import start_together
from deploy.failure import Failure
from deploy.stores import kafka_clients
from deploy.stores.topics import create_topics, declared_topics, settings_of
from shared.contracts.topics import BOOKING_COMMANDS, GATEWAY_REPLIES
from shared.infra.settings import KafkaConnection
from tests.support.waiting import eventually

pytestmark = [pytest.mark.embedded, pytest.mark.slow]

REFUSED_AFTER_MS = 3_000


@pytest.fixture
def brokers(tmp_path: Path) -> Iterator[list[Kafka]]:
    """Three brokers, of which the first is the controller, too."""
    claims = Claims()
    *ports, controller = claims.choose(("one", "two", "three", "controller"), {}, {}).values()
    made = [_broker(tmp_path, number, port, controller) for number, port in enumerate(ports, NODE_ID)]

    def stop() -> None:
        for broker in made:
            broker.process.kill()

    try:
        start_together([broker.start for broker in made], stop)
        yield made
    finally:
        stop()
        claims.release()


def _broker(folder: Path, number: int, port: int, controller_port: int) -> Kafka:
    changes: dict[str, object] = {}
    if number != NODE_ID:
        listens = f"CLIENTS://{LOOPBACK}:{port}"
        changes = {"process.roles": "broker", "node.id": number, "listeners": listens}
    return Kafka(folder / f"kafka-{number}", folder / f"logs-{number}", port, controller_port, java_options(), changes)


def cluster(brokers: list[Kafka]) -> KafkaConnection:
    return KafkaConnection(bootstrap_servers=",".join(broker.bootstrap for broker in brokers))


async def send(brokers: list[Kafka]) -> None:
    """A record that is acknowledged, or an error."""
    async with AIOKafkaProducer(
        bootstrap_servers=cluster(brokers).bootstrap_servers, acks="all", request_timeout_ms=REFUSED_AFTER_MS
    ) as producer:
        await producer.send_and_wait(BOOKING_COMMANDS.name, b"{}", partition=0)


async def is_acknowledged(brokers: list[Kafka]) -> bool:
    """Whether a record is by now: another broker has to become the leader first."""
    try:
        await send(brokers)
    except KafkaError:
        return False
    return True


async def is_refused(brokers: list[Kafka]) -> bool:
    """Whether one is refused by now for want of copies; that it is acknowledged ends the test."""
    try:
        await send(brokers)
    except (NotEnoughReplicasError, NotEnoughReplicasAfterAppendError):
        return True
    except KafkaError:
        return False
    pytest.fail("one broker alone acknowledged a record")


async def _settings(servers: KafkaConnection) -> dict[str, dict[str, str]]:
    async with kafka_clients.administrator(servers) as admin:
        return await settings_of(admin, declared_topics())


async def test_what_is_acknowledged_outlives_a_broker(brokers: list[Kafka]) -> None:
    """One topic was made before, by hand and without `min.insync.replicas`, and keeps what else it was given."""
    servers = cluster(brokers)
    async with kafka_clients.administrator(servers) as admin:
        by_hand = NewTopic(
            GATEWAY_REPLIES.name, 12, 3,
            topic_configs={"retention.ms": "600000", "segment.bytes": "1048576", "max.message.bytes": "4194304"},
        )  # fmt: skip
        await admin.create_topics([by_hand])
    with pytest.raises(Failure, match="4"):
        await create_topics(servers, 4)
    first = await create_topics(servers)
    assert first.changed == [
        "gateway.replies: min.insync.replicas was 1, is 2",
        "gateway.replies: message.timestamp.type was CreateTime, is LogAppendTime",
    ]
    assert (len(first.created), first.differences) == (len(declared_topics()) - 1, [])

    async def all_brokers_know() -> bool:
        settings = await _settings(servers)
        assert {name: each["min.insync.replicas"] for name, each in settings.items()} == dict.fromkeys(settings, "2")
        assert settings[GATEWAY_REPLIES.name]["segment.bytes"] == "1048576"
        second = await create_topics(servers, 3)
        return (second.created, second.changed, second.differences) == ([], [], [])

    await eventually(all_brokers_know)

    await asyncio.to_thread(brokers[2].process.kill)
    await eventually(lambda: is_acknowledged(brokers))
    await asyncio.to_thread(brokers[1].process.kill)
    await eventually(lambda: is_refused(brokers[:1]))


async def test_fewer_copies_than_asked_for_are_a_difference(brokers: list[Kafka]) -> None:
    servers = cluster(brokers)
    await create_topics(servers, 1)

    async def all_brokers_know() -> bool:
        found = await create_topics(servers, 3)
        assert len(found.differences) == len(declared_topics())
        return "booking.commands: 1 copies, asked for 3 (kafka-reassign-partitions.sh makes more)" in found.differences

    await eventually(all_brokers_know)
