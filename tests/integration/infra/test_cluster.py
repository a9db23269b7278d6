"""Whether Kafka answers is asked on one connection, whoever asks at the same time, and however often one gives up waiting."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import psutil
import pytest

from deploy.embedded.backend import Backend
from deploy.embedded.ports import LOOPBACK
from shared.infra.kafka.broker import Cluster
from shared.infra.settings import KafkaSettings
from tests.support.waiting import DEADLINE_SECONDS, eventually


class Between:
    """Stands between a client that looks for its brokers and Kafka. Who has found them goes past it."""

    def __init__(self, kafka: str) -> None:
        self.connections = 0
        self.refuses = False
        self.held, self.go_on = asyncio.Event(), asyncio.Event()
        """The second request of a connection is held back until the test lets it go on."""
        self._kafka = kafka

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One client's connection, to its end."""
        self.connections += 1
        if self.refuses:
            writer.close()
            return
        host, _, port = self._kafka.rpartition(":")
        from_kafka, to_kafka = await asyncio.open_connection(host, int(port))
        answers = asyncio.ensure_future(_pass_on(from_kafka, writer))
        to_kafka.write(await _request(reader))
        second = await _request(reader)
        self.held.set()
        await self.go_on.wait()
        to_kafka.write(second)
        await reader.read()  # until the client closes
        to_kafka.close()
        await answers


async def _request(reader: asyncio.StreamReader) -> bytes:
    length = await reader.readexactly(4)
    return length + await reader.readexactly(int.from_bytes(length, "big"))


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while some := await reader.read(65_536):
        writer.write(some)
    writer.close()


@pytest.fixture
async def between(servers: Backend) -> AsyncIterator[Between]:
    one = Between(servers.kafka_bootstrap)
    yield one
    one.go_on.set()


@asynccontextmanager
async def cluster_behind(between: Between) -> AsyncIterator[Cluster]:
    """What a process asks, which finds its brokers behind `between`."""
    async with await asyncio.start_server(between.serve, LOOPBACK) as server:
        port = server.sockets[0].getsockname()[1]
        cluster = Cluster(KafkaSettings(bootstrap_servers=f"{LOOPBACK}:{port}"), "test-cluster")
        yield cluster
        await cluster.close()


def connections_to(address: str) -> int:
    """How many connections this process has to a server."""
    port = int(address.rpartition(":")[2])
    return sum(bool(one.raddr) and one.raddr.port == port for one in psutil.Process().net_connections("tcp"))


async def test_who_asks_at_the_same_time_shares_one_start_and_nothing_is_left_open(servers: Backend, between: Between) -> None:
    before = connections_to(servers.kafka_bootstrap)
    between.go_on.set()
    async with cluster_behind(between) as cluster:
        assert await asyncio.gather(*(cluster.answers() for _ in range(5))) == [True] * 5
        assert between.connections == 1

    async def all_closed() -> bool:
        return connections_to(servers.kafka_bootstrap) <= before

    await eventually(all_closed)


async def test_a_start_goes_on_when_who_asked_gives_up(between: Between) -> None:
    async with cluster_behind(between) as cluster:
        given_up = asyncio.ensure_future(cluster.answers())
        await asyncio.wait_for(between.held.wait(), DEADLINE_SECONDS)
        given_up.cancel()
        await asyncio.wait([given_up])
        assert given_up.cancelled()
        between.go_on.set()
        assert await asyncio.wait_for(cluster.answers(), DEADLINE_SECONDS)
        assert between.connections == 1, "its connection is neither left open nor made a second time"


async def test_a_start_that_failed_is_tried_again_by_who_asks_next(between: Between) -> None:
    between.refuses = True
    between.go_on.set()
    async with cluster_behind(between) as cluster:
        assert await asyncio.gather(*(cluster.answers() for _ in range(2))) == [False] * 2
        between.refuses = False
        assert await cluster.answers()
        assert between.connections == 2


async def test_what_is_closed_while_it_starts_says_no(between: Between) -> None:
    async with cluster_behind(between) as cluster:
        asked = asyncio.ensure_future(cluster.answers())
        await asyncio.wait_for(between.held.wait(), DEADLINE_SECONDS)
        await asyncio.wait_for(cluster.close(), DEADLINE_SECONDS)
        assert not await asked
