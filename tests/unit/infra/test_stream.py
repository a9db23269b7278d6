"""A process that gets no part of a topic says so: what waits for records there is slower, and nobody would know why."""

import pytest
from aiokafka import TopicPartition
from structlog.testing import capture_logs

from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra.kafka.broker import make_broker
from shared.infra.kafka.stream import Stream
from shared.infra.settings import KafkaSettings

KAFKA = KafkaSettings(bootstrap_servers="unused:9092")


@pytest.mark.parametrize(
    ("assigned", "said"), [(set(), ["stream_without_partition"]), ({TopicPartition("gateway.replies", 3)}, [])]
)
async def test_a_part_that_is_empty_is_told(assigned: set[TopicPartition], said: list[str]) -> None:
    rebalanced: list[None] = []
    stream = Stream(make_broker(KAFKA, "test", 1), KAFKA, "gateway", GATEWAY_REPLIES, _nobody, lambda: rebalanced.append(None))
    listener = stream.subscription.subscriber._listener
    with capture_logs() as logs:
        await listener.on_partitions_assigned(assigned)
    assert ([line["event"] for line in logs], len(rebalanced)) == (said, 1)


async def _nobody(_: object) -> None:
    """Hears nothing."""
