"""A record that the producer does not take is not sent: never an error of the transaction that is committed by then."""

import pytest
from aiokafka.errors import KafkaTimeoutError

from shared.infra.kafka.producer import Handed, NotStarted
from shared.infra.kafka.publisher import NotAccepted, Publisher
from shared.infra.kafka.records import Record

RECORD = Record("gateway.replies", b"key", b"{}", "desk-1", partition=99)


class RefusingProducer:
    def __init__(self, error: Exception) -> None:
        self._error = error

    async def send(self, _: Record) -> Handed:
        raise self._error

    async def replace(self) -> None:
        """Nothing fails here."""


@pytest.mark.parametrize("error", [AssertionError("Unrecognized partition"), NotStarted(), KafkaTimeoutError()], ids=repr)
async def test_what_the_producer_does_not_take_is_not_accepted(error: Exception) -> None:
    publisher = Publisher(RefusingProducer(error))
    assert await publisher.send_all([RECORD, RECORD]) == [False, False]
    with pytest.raises(NotAccepted):
        await publisher.send(RECORD)
