"""Asks a server for an answer once: returns when it serves, raises what its client raises otherwise.

A port that is bound is no answer: a Kafka is fenced after a crash, a Postgres may still read its log. Called by whoever starts
a server and by those who are given its address.
"""

import asyncpg
from aiokafka.admin import AIOKafkaAdminClient
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from shared.infra.kafka.security import client_options
from shared.infra.settings import KafkaConnection

KAFKA_TIMEOUT_MS = 2000
POSTGRES_TIMEOUT_SECONDS = 2.0
REDIS_TIMEOUT_SECONDS = 1.0


async def kafka(connection: KafkaConnection) -> None:
    """Raise unless the cluster's metadata lists a broker."""
    client = AIOKafkaAdminClient(**client_options(connection), request_timeout_ms=KAFKA_TIMEOUT_MS)
    try:
        await client.start()
        cluster = await client.describe_cluster()
    finally:
        await client.close()
    if not cluster["brokers"]:
        raise ConnectionError("no broker is registered yet")


async def postgres(dsn: str) -> None:
    """Raise unless the server answers a query."""
    connection = await asyncpg.connect(dsn, timeout=POSTGRES_TIMEOUT_SECONDS, command_timeout=POSTGRES_TIMEOUT_SECONDS)
    try:
        await connection.execute("SELECT 1")
    finally:
        await connection.close()


async def redis(url: str) -> None:
    """Raise unless it answers PING."""
    once, seconds = Retry(NoBackoff(), 0), REDIS_TIMEOUT_SECONDS
    async with Redis.from_url(url, retry=once, socket_timeout=seconds, socket_connect_timeout=seconds) as client:
        await client.ping()
