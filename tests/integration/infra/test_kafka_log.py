"""Reading Kafka's log from outside: what it costs to find out where partitions begin and end."""

import asyncio

import pytest

from deploy.embedded.backend import Backend
from deploy.inspect import kafka_log
from deploy.stores import kafka_clients
from deploy.stores.topics import declared_topics


async def test_where_all_topics_begin_and_end_is_known_without_long_pauses(
    servers: Backend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns of one topic after the other, and pauses before each."""
    paused: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        paused.append(seconds)
        await sleep(seconds)

    partitions = kafka_log.partitions_of(declared_topics())
    async with kafka_clients.reader(servers.kafka_connection) as consumer:
        monkeypatch.setattr(asyncio, "sleep", counted)
        begins, ends = await kafka_log.bounds(consumer, partitions)
        monkeypatch.undo()
    assert begins.keys() == ends.keys() == set(partitions)
    assert sum(paused) < 0.5
