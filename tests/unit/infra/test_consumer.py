"""What the consumer stumbles over itself stops and loses nothing; effects and redelivery are shown on the real servers."""

import asyncio
from typing import Any, cast

import pytest
from aiokafka import ConsumerRecord

from shared.contracts.booking import AppointmentBooked
from shared.contracts.topics import APPOINTMENT_EVENTS, AVAILABILITY_EVENTS
from shared.infra.clockwork import Clock
from shared.infra.kafka import batch_policy
from shared.infra.kafka.broker import make_broker
from shared.infra.kafka.consumer import Consumer
from shared.infra.kafka.letters import dead_letter
from shared.infra.kafka.publisher import Publisher
from shared.infra.kafka.records import Record
from shared.infra.settings import KafkaSettings
from shared.infra.unit import Units
from tests.support.golden import golden_message

GROUP = "booking"
KAFKA = KafkaSettings(bootstrap_servers="unused:9092")


class StumblingPublisher:
    """Fails once in a way that nobody foresaw, then keeps what is sent."""

    def __init__(self) -> None:
        self.sent: list[Record] = []
        self._stumbles = 1

    async def send(self, record: Record) -> None:
        if self._stumbles:
            self._stumbles -= 1
            raise RuntimeError("unforeseen")
        self.sent.append(record)


def malformed(headers: tuple[tuple[str, bytes | None], ...] = ()) -> "ConsumerRecord[Any, Any]":
    return ConsumerRecord(AVAILABILITY_EVENTS.name, 3, 17, 0, 0, b"key", b"not json", None, 1, 1, cast(Any, headers))


def test_a_header_without_a_value_is_kept_in_the_dead_letter() -> None:
    letter = dead_letter(AVAILABILITY_EVENTS, GROUP, malformed((("trace", None), ("x", b"\xff"))), "invalid_json", 1)
    assert letter.headers["frontdesk-headers-hex"] == '{"trace":null,"x":"ff"}'


async def test_an_error_that_nobody_foresaw_does_not_let_the_consumer_go_on_without_the_batch(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch_policy, "BACKOFF_FIRST_SECONDS", 0.001)
    publisher, committed = StumblingPublisher(), []

    async def handler(*_: Any) -> None: ...

    async def commit(records: Any) -> None:
        committed.append((publisher.sent[0].topic, records))

    broker = make_broker(KAFKA, "test", graceful_seconds=1)
    runner = Consumer(
        broker, KAFKA, GROUP, [AVAILABILITY_EVENTS], handler, cast(Units, None), cast(Publisher, publisher), Clock()
    )
    monkeypatch.setattr(runner, "_commit", commit)
    batch = [malformed()]
    await runner.consume(batch)
    assert committed == [(AVAILABILITY_EVENTS.dead_letters(GROUP), batch)]


async def test_what_asks_nothing_of_the_handler_gets_no_transaction_and_its_offset_moves(monkeypatch: pytest.MonkeyPatch) -> None:
    handled, committed = [], []

    async def handler(*_: Any) -> None:
        handled.append(True)

    async def commit(records: Any) -> None:
        committed.append(records)

    # Without units: a transaction would fail.
    nobody, broker = cast(Any, None), make_broker(KAFKA, "test", graceful_seconds=1)
    runner = Consumer(broker, KAFKA, GROUP, [APPOINTMENT_EVENTS], handler, nobody, nobody, Clock(), ignored={AppointmentBooked})
    monkeypatch.setattr(runner, "_commit", commit)
    body = golden_message(AppointmentBooked).model_dump_json().encode()
    batch = [ConsumerRecord(APPOINTMENT_EVENTS.name, 3, 17, 0, 0, b"key", body, None, 1, 1, cast(Any, ()))]
    await asyncio.wait_for(runner.consume(batch), 5)
    assert (handled, committed) == ([], [batch])
