"""Letters that no service wrote are shown as they are and do not go back; those of a service do."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord

from deploy.inspect import dead_letters
from deploy.inspect.dead_letters import DeadLetter
from deploy.stores import kafka_clients
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.kafka import letters
from shared.infra.settings import KafkaConnection

TOPIC = APPOINTMENT_EVENTS.dead_letters("queue")
FAILED: "ConsumerRecord[Any, Any]" = ConsumerRecord(APPOINTMENT_EVENTS.name, 3, 17, 0, 0, b"k", b"{}", None, 0, 0, [])
OURS = letters.dead_letter(APPOINTMENT_EVENTS, "queue", FAILED, "ZeroDivisionError", 5).headers


def letter(**changes: str | None) -> DeadLetter:
    """A letter with our headers, but for these."""
    headers = {name: value for name, value in {**OURS, **changes}.items() if value is not None}
    raw = [(name, value.encode()) for name, value in headers.items()]
    return DeadLetter(ConsumerRecord(TOPIC, 0, 1, 0, 0, b"k", b'{"type": "x"}', None, 0, 0, raw), redriven=False)


@pytest.mark.parametrize("header", [letters.TOPIC, letters.PARTITION, letters.OFFSET, letters.ORIGINAL_HEADERS])
def test_what_does_not_say_where_it_came_from_cannot_go_back(header: str) -> None:
    assert "frontdesk-… headers" not in str(letter().why_not)
    assert "frontdesk-… headers" in str(letter(**{header: None}).why_not)
    assert "frontdesk-… headers" in str(letter(**{header: "x"}).why_not)


@pytest.mark.parametrize("text", [None, "", "x", "[1]", '{"a": 1}', '{"a": "x"}', "1"])
def test_headers_that_nobody_of_us_wrote_are_shown_as_they_are(text: str | None) -> None:
    shown = dead_letters.shown(letter(**{letters.ATTEMPTS: text, letters.ORIGINAL_HEADERS: text}))
    assert shown["attempts"] == (1 if text == "1" else None)
    assert shown["headers"] == ({} if text is None else {letters.ORIGINAL_HEADERS: text})
    assert json.dumps(shown)


async def test_nothing_is_sent_if_one_of_them_is_no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kafka_clients, "writer", lambda _: pytest.fail("there was something to send"))
    with pytest.raises(KeyError):
        await dead_letters.redrive(KafkaConnection(bootstrap_servers="nowhere"), [letter(), letter(**{letters.TOPIC: None})])
