"""What one message waits for holds up nobody else for long: on a real Postgres, whose locks and statements run out of time."""

import json
from uuid import uuid4

import asyncpg
import pytest

from shared.infra.inbox import Admitted
from shared.infra.kafka import batch_policy
from shared.infra.metrics import REGISTRY
from shared.infra.unit import Unit
from tests.integration.infra.bench import Bench, note, take_notes
from tests.support.waiting import eventually

POISON = 3


@pytest.fixture
def hasty(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """The bench with processes that wait for nothing for long."""
    bench.timeouts = {"statement_timeout_ms": 2_000, "lock_timeout_ms": 1_000}
    monkeypatch.setattr(batch_policy, "HELD_UP_SECONDS", 1.0)
    return bench


async def test_a_statement_that_never_ends_in_time_becomes_a_dead_letter_and_the_rest_has_its_effect(hasty: Bench) -> None:
    async def sleeps(unit: Unit, admitted: Admitted) -> None:
        if any(getattr(message, "number", None) == POISON for message in admitted.fresh):
            await unit.connection.execute("SELECT pg_sleep(60)")
        await take_notes(unit, admitted)

    doctor = uuid4()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(POISON + 3)), partition=0)
    await hasty.send(*(note(hasty.clinic, number) for number in range(10, 20)), partition=1)
    await hasty.consume(sleeps)
    [letter] = await eventually(hasty.letters)
    assert (json.loads(letter.value)["number"], dict(letter.headers)["frontdesk-error"]) == (POISON, b"QueryCanceledError")

    async def the_others() -> bool:
        return await hasty.numbers() == [0, 1, 2, 4, 5, *range(10, 20)] and await hasty.lag() == 0

    await eventually(the_others)


async def test_who_is_locked_for_long_is_set_aside_and_the_other_partitions_go_on(hasty: Bench) -> None:
    lock = uuid4().int % 2**31

    async def locks(unit: Unit, admitted: Admitted) -> None:
        if any(getattr(message, "number", 0) < POISON for message in admitted.fresh):
            await unit.connection.execute("SELECT pg_advisory_xact_lock($1)", lock)
        await take_notes(unit, admitted)

    held = await asyncpg.connect(hasty.postgres_url)
    await held.execute("SELECT pg_advisory_lock($1)", lock)
    doctor = uuid4()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(POISON)), partition=0)
    await hasty.send(*(note(hasty.clinic, number) for number in range(10, 20)), partition=1)
    await hasty.consume(locks)

    async def the_others() -> bool:
        return await hasty.numbers() == list(range(10, 20)) and await hasty.lag() == 0

    await eventually(the_others)
    assert [json.loads(letter.value)["number"] for letter in await hasty.letters()] == list(range(POISON))
    await held.close()
    await hasty.send(*(note(hasty.clinic, number, doctor=doctor) for number in range(POISON)), partition=0)

    async def again() -> bool:
        return await hasty.numbers() == [*range(POISON), *range(10, 20)]

    await eventually(again)


def locks_not_had() -> float:
    return REGISTRY.get_sample_value("frontdesk_batch_retries_total", {"kind": "LockNotAvailableError"}) or 0.0


async def test_a_table_that_nobody_can_write_to_is_waited_for_as_a_store_that_is_away(hasty: Bench) -> None:
    held = await asyncpg.connect(hasty.postgres_url)
    await held.execute("BEGIN; LOCK TABLE notes IN SHARE MODE")
    await hasty.send(*(note(hasty.clinic, number) for number in range(20)))
    before = locks_not_had()
    await hasty.consume()

    async def tried_in_parts_and_together_again() -> bool:
        return locks_not_had() >= before + 1 + batch_policy.PARTS_OF_ALL + 1

    await eventually(tried_in_parts_and_together_again)
    await held.close()

    async def all_done() -> bool:
        return await hasty.numbers() == list(range(20))

    await eventually(all_done)
    assert await hasty.letters() == []
