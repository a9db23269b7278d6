"""An event that only a later release can read stops its partition, and no other, until a process of that release has it."""

import dataclasses
import json
from collections.abc import Awaitable, Callable
from typing import Literal
from uuid import UUID

import pytest

from shared.contracts.envelope import DayMessage
from shared.infra.inbox import Admitted
from shared.infra.kafka.records import encode
from shared.infra.metrics import REGISTRY
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, note, take_notes
from tests.support.waiting import eventually


class NoteBurnt(DayMessage):
    """An event that only the later release knows; its effect is a row with the number below zero."""

    type: Literal["NoteBurnt"] = "NoteBurnt"
    number: int


def burnt(clinic: UUID, number: int) -> NoteBurnt:
    """The event of the later release."""
    return NoteBurnt.model_validate_json(json.dumps(json.loads(encode(note(clinic, number))) | {"type": "NoteBurnt"}))


async def take_and_burn(unit: Unit, admitted: Admitted) -> None:
    """The handler of the later release."""
    await take_notes(unit, admitted)
    for message in admitted.fresh:
        if isinstance(message, NoteBurnt):
            insert = "INSERT INTO notes (message_id, clinic_id, number) VALUES ($1, $2, $3)"
            await unit.connection.execute(insert, message.message_id, message.clinic_id, -message.number)


@pytest.fixture
async def events(bench: Bench) -> Bench:
    """The bench, with events on its topic: notes in partitions 0 and 1, in the first of them one of the later release."""
    bench.topic = dataclasses.replace(bench.topic, commands=False)
    await bench.send(note(bench.clinic, 1), burnt(bench.clinic, 2), note(bench.clinic, 3), partition=0)
    await bench.send(note(bench.clinic, 10), note(bench.clinic, 11), partition=1)
    return bench


def has(bench: Bench, *numbers: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await bench.numbers() == list(numbers)

    return look


def leaves(bench: Bench, records: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return await bench.lag() == records

    return look


def stopped() -> float:
    return REGISTRY.get_sample_value("frontdesk_partitions_stopped") or 0.0


async def test_the_partition_stops_in_front_of_it_and_the_others_go_on(events: Bench) -> None:
    await events.consume()
    await eventually(leaves(events, 2))
    await events.send(note(events.clinic, 12), partition=1)
    await events.send(note(events.clinic, 4), partition=0)
    await eventually(has(events, 1, 10, 11, 12))
    await eventually(leaves(events, 3))
    assert (await events.letters(), stopped()) == ([], 1.0)


async def test_a_process_of_the_later_release_goes_on_with_it(events: Bench) -> None:
    old = await events.consume()
    await eventually(leaves(events, 2))
    known = events.topic
    events.topic = dataclasses.replace(known, messages=(*known.messages, NoteBurnt))
    await events.consume(take_and_burn, "later")
    await events.stop(old)
    await eventually(has(events, -2, 1, 3, 10, 11))
    await eventually(leaves(events, 0))
    assert await events.letters() == []


async def test_who_gets_the_partition_of_a_process_that_stopped_there_stops_there_too(events: Bench) -> None:
    first = await events.consume(instance="first")
    await eventually(leaves(events, 2))
    await events.consume(instance="second")
    await events.stop(first)
    await events.send(note(events.clinic, 12), partition=1)
    await eventually(has(events, 1, 10, 11, 12))
    await eventually(lambda: _is(stopped() == 1.0))
    assert (await events.lag(), await events.letters()) == (2, [])


async def _is(so: bool) -> bool:
    return so


async def test_one_that_is_named_becomes_a_dead_letter(events: Bench) -> None:
    await events.consume(letter_records=f"{events.topic.name}:0:1")
    await eventually(has(events, 1, 3, 10, 11))
    await eventually(leaves(events, 0))
    [letter] = await events.letters()
    assert (json.loads(letter.value)["number"], dict(letter.headers)["frontdesk-error"]) == (2, b"unknown_type")
    assert stopped() == 0.0
