"""What one message waits for holds up nobody else for long: on a real Postgres, whose locks and statements run out of time."""

import itertools
import json
from collections.abc import Awaitable, Callable
from uuid import uuid4

import asyncpg
import pytest

from shared.infra.inbox import Admitted
from shared.infra.kafka import batch_policy, paused_partitions
from shared.infra.metrics import REGISTRY
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, note, take_notes
from tests.support.waiting import eventually

FEW = 3


@pytest.fixture
def hasty(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench with processes that wait for nothing for long."""
    bench.timeouts = {"statement_timeout_ms": 2_000, "lock_timeout_ms": 1_000}
    monkeypatch.setattr(batch_policy, "HELD_UP_SECONDS", 3.0)
    monkeypatch.setattr(paused_partitions, "AWAY_SECONDS", 1.0)
    return bench


async def letters_beside_others(bench: Bench, at_least: int = 1) -> list[int]:
    """The numbers of the dead letters, while notes of others are taken in another partition: from 1,000 on."""
    others = itertools.count(1_000)

    async def look() -> list[int]:
        number = next(others)
        await bench.send(note(bench.clinic, number), partition=1)
        await eventually(taken(bench, number))
        found = [json.loads(letter.value)["number"] for letter in await bench.letters()]
        return found if len(found) >= at_least else []

    return await eventually(look)


def taken(bench: Bench, *numbers: int) -> Callable[[], Awaitable[bool]]:
    async def look() -> bool:
        return set(numbers) <= set(await bench.numbers())

    return look


async def test_a_statement_that_never_ends_in_time_becomes_a_dead_letter_and_the_rest_has_its_effect(hasty: Bench) -> None:
    async def sleeps(unit: Unit, admitted: Admitted) -> None:
        if any(getattr(message, "number", None) == FEW for message in admitted.fresh):
            await unit.connection.execute("SELECT pg_sleep(60)")
        await take_notes(unit, admitted)

    doctor = uuid4()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(FEW + 3)), partition=0)
    await hasty.send(*(note(hasty.clinic, number) for number in range(10, 20)), partition=1)
    await hasty.consume(sleeps)
    assert await letters_beside_others(hasty) == [FEW]
    await eventually(taken(hasty, 0, 1, 2, 4, 5, *range(10, 20)))
    [letter] = await hasty.letters()
    assert dict(letter.headers)["frontdesk-error"] == b"QueryCanceledError"
    numbers = await hasty.numbers()
    assert len(numbers) == len(set(numbers)), "each had its effect once"


async def test_who_is_locked_for_too_long_is_set_aside_and_the_other_partitions_go_on(hasty: Bench) -> None:
    lock = uuid4().int % 2**31

    async def locks(unit: Unit, admitted: Admitted) -> None:
        if any(getattr(message, "number", 0) < FEW for message in admitted.fresh):
            await unit.connection.execute("SELECT pg_advisory_xact_lock($1)", lock)
        await take_notes(unit, admitted)

    held = await asyncpg.connect(hasty.postgres_url)
    await held.execute("SELECT pg_advisory_lock($1)", lock)
    doctor = uuid4()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(FEW)), partition=0)
    await hasty.consume(locks)
    assert await letters_beside_others(hasty, FEW) == list(range(FEW))
    await held.close()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(FEW)), partition=0)
    await eventually(taken(hasty, *range(FEW)))


async def test_a_lock_that_ends_in_time_loses_nothing_and_keeps_the_order(hasty: Bench) -> None:
    lock = uuid4().int % 2**31
    order: list[int | None] = []

    async def locks(unit: Unit, admitted: Admitted) -> None:
        await unit.connection.execute("SELECT pg_advisory_xact_lock($1)", lock)
        await take_notes(unit, admitted)
        order.extend(getattr(message, "number", None) for message in admitted.fresh)

    held = await asyncpg.connect(hasty.postgres_url)
    await held.execute("SELECT pg_advisory_lock($1)", lock)
    doctor = uuid4()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(FEW)), partition=0)
    await hasty.producer.send_and_wait(hasty.topic.name, b"nonsense", partition=0)
    before = locks_not_had()
    await hasty.consume(locks)
    await eventually(lambda: _tried(before + 4))
    await held.close()
    await eventually(taken(hasty, *range(FEW)))
    [letter] = await hasty.letters()
    assert (order, letter.value) == (list(range(FEW)), b"nonsense"), "in order, and the bad record behind them is refused once"


def locks_not_had() -> float:
    return REGISTRY.get_sample_value("frontdesk_batch_retries_total", {"kind": "LockNotAvailableError"}) or 0.0


async def _tried(often: float) -> bool:
    return locks_not_had() >= often


async def test_a_table_that_nobody_can_write_to_is_waited_for_as_a_store_that_is_away(hasty: Bench) -> None:
    held = await asyncpg.connect(hasty.postgres_url)
    await held.execute("BEGIN; LOCK TABLE notes IN SHARE MODE")
    await hasty.send(*(note(hasty.clinic, number) for number in range(20)))
    before = locks_not_had()
    await hasty.consume()
    await eventually(lambda: _tried(before + 1 + batch_policy.PARTS_OF_ALL + 1))
    await held.close()
    await eventually(taken(hasty, *range(20)))
    assert await hasty.letters() == []
