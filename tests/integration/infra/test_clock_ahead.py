"""A machine whose clock is far ahead publishes all the same: the broker dates records."""

import time
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer

from shared.contracts.topics import GATEWAY_REPLIES
from shared.infra.kafka.records import Record
from tests.integration.infra.bench import Bench
from tests.support.kafka import records_of

AHEAD_SECONDS = 2 * 3600
"""More than the hour that a broker lets a record be ahead."""


async def test_records_of_a_clock_that_is_ahead_are_taken(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    send = AIOKafkaProducer.send

    async def ahead(self: AIOKafkaProducer, *record: Any, **options: Any) -> Any:
        """As the client dates a record, by a clock that it reads in C."""
        return await send(self, *record, timestamp_ms=int((time.time() + AHEAD_SECONDS) * 1000), **options)

    monkeypatch.setattr(AIOKafkaProducer, "send", ahead)
    runtime = await bench.connect()
    await runtime.producer.start()
    before, key = time.time(), bench.group.encode()
    # A topic as `topics create` makes it, on which a record that nobody can read harms nobody.
    await runtime.publisher.send(Record(GATEWAY_REPLIES.name, key, b"{}", "correlation"), timeout_seconds=30)
    found = await records_of(bench.bootstrap, GATEWAY_REPLIES.name, GATEWAY_REPLIES.partitions)
    (written,) = (record.timestamp / 1000 for record in found if record.key == key)
    assert before - 60 < written < time.time() + 60
