"""aiokafka on uvloop, as services run it: what a broker has closed is told as closed, so that it is tried again."""

import asyncio
from typing import Any

import pytest
import uvloop
from aiokafka.conn import create_conn
from aiokafka.errors import KafkaConnectionError
from aiokafka.protocol.admin import ApiVersionRequest

from deploy.embedded.backend import Backend
from shared.infra.kafka.closed_connections import tell_closed_connections


def test_a_request_on_a_connection_that_was_closed_fails_as_one(servers: Backend) -> None:
    host, _, port = servers.kafka_bootstrap.rpartition(":")

    async def requested() -> None:
        connection: Any = await create_conn(host, int(port))
        await connection.send(ApiVersionRequest())
        # The moment at which the transport is closed and the task that reads has not seen it yet.
        connection._read_task.cancel()
        connection._writer.transport.abort()
        await connection._closed_fut
        with pytest.raises(KafkaConnectionError):
            await connection.send(ApiVersionRequest())
        assert not connection.connected()

    tell_closed_connections()
    uvloop.run(asyncio.wait_for(requested(), 10))
