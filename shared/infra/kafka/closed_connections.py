"""aiokafka on uvloop: a request on a connection that the broker has closed fails as one (aio-libs/aiokafka#1038).

aiokafka writes to a connection until it has read that it is closed. The transport of asyncio takes that without a word, that of
uvloop raises a `RuntimeError`, which aiokafka expects nowhere: the task that met it, such as the one that keeps the process in
its consumer group, ends for ever, and the process consumes nothing any more. Called by `Runtime`.
"""

from typing import Any

from aiokafka.conn import AIOKafkaConnection, CloseReason
from aiokafka.errors import KafkaConnectionError

from shared.infra.errors import is_closed_transport

_send = AIOKafkaConnection.send


def tell_closed_connections() -> None:
    """From now on every client of this process raises `KafkaConnectionError` there, which it tries again after."""
    AIOKafkaConnection.send = _send_or_close


def _send_or_close(connection: AIOKafkaConnection, *request: Any, **options: Any) -> Any:
    try:
        return _send(connection, *request, **options)
    except RuntimeError as error:
        if not is_closed_transport(error):
            raise
        connection.close(reason=CloseReason.CONNECTION_BROKEN, exc=error)
        raise KafkaConnectionError(f"{connection} is closed: {error}") from error
