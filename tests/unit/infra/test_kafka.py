"""A record that the producer does not take is not sent: never an error of the transaction that is committed by then."""

from typing import Any, cast

import pytest
from aiokafka.errors import KafkaTimeoutError
from faststream.exceptions import IncorrectState
from faststream.kafka import KafkaBroker

from shared.infra.kafka import NotAccepted, Publisher, Record

RECORD = Record("gateway.replies", b"key", b"{}", "desk-1", partition=99)


class RefusingBroker:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def publish(self, *_: Any, **__: Any) -> None:
        raise self._error


@pytest.mark.parametrize(
    "error", [AssertionError("Unrecognized partition"), IncorrectState("stopped"), KafkaTimeoutError()], ids=repr
)
async def test_what_the_producer_does_not_take_is_not_accepted(error: Exception) -> None:
    publisher = Publisher(cast(KafkaBroker, RefusingBroker(error)))
    assert await publisher.send_all([RECORD, RECORD]) == [False, False]
    with pytest.raises(NotAccepted):
        await publisher.send(RECORD)
