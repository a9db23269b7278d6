"""What a running service process holds, and the order in which it starts and stops. Built by each service's `app.py`."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import Self

import structlog
from redis.asyncio import Redis

from shared.contracts.envelope import Message
from shared.contracts.topics import Topic
from shared.infra.clockwork import Clock
from shared.infra.day_locks import DayLocks
from shared.infra.ids import new_id
from shared.infra.jobs import Job, repeat
from shared.infra.kafka.broker import Cluster, make_broker
from shared.infra.kafka.closed_connections import tell_closed_connections
from shared.infra.kafka.consumer import Consumer, FailureHandler, Handler
from shared.infra.kafka.producer import Producer
from shared.infra.kafka.publisher import Publisher
from shared.infra.loop_probe import LoopProbe
from shared.infra.outbox import Outbox
from shared.infra.postgres import Database
from shared.infra.settings import RedisSettings, ServiceSettings
from shared.infra.unit import Units

GOODBYE_SECONDS = 4.0
"""To flush and to leave the group, after the grace. Whoever stops us waits 35 s; should requests and Kafka both hang so long,
what is killed then loses nothing."""

PING_SECONDS = 1.0

log = structlog.get_logger()


class Runtime:
    """The pools, the producer and the one consumer of a process.

    `connect` opens the pools; nothing is consumed before `start`. `stop` finishes the batch in hand, commits its offsets, flushes
    the producer, leaves the group and closes the pools, in this order.
    """

    def __init__(self, name: str, settings: ServiceSettings, database: Database) -> None:
        self.name = name
        self.settings = settings
        self.clock, self.new_id = Clock(), new_id
        self.database = database
        self.broker = make_broker(settings.kafka, settings.instance, settings.shutdown_grace_seconds)
        self.producer = Producer(settings.kafka, settings.instance, self.clock)
        self.cluster = Cluster(settings.kafka, settings.instance)
        self.redis = make_redis(settings.redis)
        self.locks = DayLocks(self.redis, self.clock)
        self.publisher = Publisher(self.producer)
        self.outbox = Outbox(self.publisher)
        self.units = Units(database, self.outbox, self.publisher, self.new_id, settings.oldest_version)
        self.consumer: Consumer | None = None
        self._stopping = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def connect(cls, name: str, settings: ServiceSettings) -> Self:
        """Opens Postgres and prepares Kafka and Redis, which may both still be away."""
        tell_closed_connections()
        runtime = cls(name, settings, await Database.connect(settings.postgres, settings.instance))
        runtime.spawn(LoopProbe(runtime.clock).run(runtime.stopping))
        return runtime

    def consume(
        self,
        topics: Sequence[Topic],
        handler: Handler,
        ignored: Collection[type[Message]] = (),
        failed: FailureHandler | None = None,
    ) -> None:
        """Registers the process's one consumer; `ignored` messages of its topics never reach the handler."""
        self.consumer = Consumer(
            self.broker, self.settings.kafka, self.name, topics, handler,
            units=self.units, publisher=self.publisher, clock=self.clock, ignored=ignored, failed=failed,
        )  # fmt: skip

    async def start(self) -> None:
        """Joins the group and starts relaying. Raises `KafkaError` when no broker answers."""
        await self.producer.start()
        await self.broker.start()
        self.work(self.outbox.relay(self.database.hot))

    async def leave_kafka(self) -> None:
        """Ends the consumer with the batch in hand and leaves its group, then sends what the producer holds."""
        await self.broker.stop()
        await self.producer.stop()

    def work(self, job: Job) -> None:
        """Does a job beside the consumer until the process stops."""
        self.spawn(repeat(job, self._stopping, self.clock))

    def spawn(self, work: Awaitable[None]) -> None:
        """Runs work beside the consumer until the process stops; it is cancelled five seconds after it was asked to end."""
        self._tasks.append(asyncio.ensure_future(work))

    @property
    def stopping(self) -> asyncio.Event:
        """Set when the process is asked to stop."""
        return self._stopping

    async def stop(self) -> None:
        """Ends in the order that loses nothing and leaves no session to expire."""
        self._stopping.set()
        if self.consumer:
            self.consumer.stop()
        await self.publisher.stop()
        try:
            # While Kafka is away the producer would wait for its unsent records for ever.
            await asyncio.wait_for(self.leave_kafka(), self.settings.shutdown_grace_seconds + GOODBYE_SECONDS)
        except TimeoutError:
            log.warning("broker_not_left", group=self.name)
        await self.cluster.close()
        if self._tasks:
            _, late = await asyncio.wait(self._tasks, timeout=5)
            for task in late:
                task.cancel()
        await self.redis.aclose()
        await self.database.close()

    @property
    def checks(self) -> dict[str, Callable[[], Awaitable[None]]]:
        """What readiness asks. Redis is not among it: the system is right without it, only slower."""
        return {"postgres": self.database.check, "kafka": self._check_kafka}

    async def kafka_answers(self) -> bool:
        """Whether a broker answers now."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                return await self.cluster.answers()
        except TimeoutError:
            return False

    async def _check_kafka(self) -> None:
        if not await self.kafka_answers():
            raise ConnectionError
        if self.consumer:
            self.consumer.check()


def make_redis(settings: RedisSettings) -> "Redis":
    """A client that gives up after the timeout instead of waiting for a server that is away."""
    url, timeout = settings.url.get_secret_value(), settings.timeout_ms / 1000
    return Redis.from_url(url, socket_timeout=timeout, socket_connect_timeout=timeout, retry=None, max_connections=16)
