"""The checker catches a system whose guards are gone: five mutants, each in an interleaving of its own that is forced, not luck.

The same interleaving on the sound system passes, so it is the missing guard that was caught, not the fault.
"""

import functools
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from uuid import UUID, uuid4

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from tests.checker import dump
from tests.checker.report import Report
from tests.faults.mutants.points import BEFORE_COMMIT, BEFORE_OFFSETS
from tests.faults.mutants.stage import Client, Part, Stage
from tests.support.dates import in_days
from tests.support.waiting import eventually

AT_REST = 15
"""The invariant that nothing is left over."""
REST_WITHIN_SECONDS = 60.0
NO_REST_WITHIN_SECONDS = 6.0
"""So long is enough to see a mutant that never comes to rest."""


async def redelivered_after_its_commit(client: Client, part: Part) -> None:
    """A booking is committed and answered; the process dies before its offset is: the record comes again."""
    point = part.point(BEFORE_OFFSETS)
    point.arm(client.doctor)
    assert (await client.book()).status == 201
    await part.reaches(point)
    await part.crash()


async def released_again_under_another_id(client: Client, part: Part) -> None:
    """A slot is released and taken by somebody else; then the release comes once more, as a message that no inbox knows."""
    first = await client.book()
    assert (await client.cancel(first)).status == 200
    second = await client.book(patient=1)
    assert (first.json or {})["slot_id"] == (second.json or {})["slot_id"], "the second has the place of the first"
    [release] = [one for one in await dump.records(client.stage.bootstrap) if _releases(one, (first.json or {})["id"])]
    again = json.dumps({**release.fields, "message_id": str(uuid4())}).encode()
    async with AIOKafkaProducer(bootstrap_servers=client.stage.bootstrap, acks="all") as producer:
        await producer.send_and_wait(release.topic, again, key=release.key, partition=release.partition)


def _releases(one: dump.Record, appointment: str) -> bool:
    return one.type == "SlotReleased" and one.fields.get("appointment_id") == appointment


async def killed_before_its_commit(client: Client, part: Part) -> None:
    """A booking is accepted and worked at; the process dies before the SQL commit. Nobody asks again."""
    point = part.point(BEFORE_COMMIT)
    point.arm(client.doctor)
    assert (await client.book(wait=False)).status == 202
    await part.reaches(point)
    await part.crash()


async def committed_behind_a_later_id(client: Client, part: Part) -> None:
    """A cancellation draws its outbox ids and commits when the relay has sent later ones already."""
    booked = await client.book()
    point = part.point(BEFORE_COMMIT)
    point.arm(client.doctor)
    assert (await client.cancel(booked, wait=False)).status == 202
    await part.reaches(point)
    await client.new_patient()
    await eventually(functools.partial(nothing_unsent, client.stage.dsns["booking"]))
    point.let_go()


async def nothing_unsent(dsn: str) -> bool:
    """Whether everything that is committed is relayed."""
    session = await asyncpg.connect(dsn)
    try:
        return not await session.fetchval("SELECT count(*) FROM outbox")
    finally:
        await session.close()


async def moved(client: Client, _part: Part) -> None:
    """An appointment goes to another day. Nobody asks again."""
    booked = await client.book()
    tomorrow = in_days(1).isoformat()
    asked = await client.ask(f"/appointments/{(booked.json or {})['id']}/reschedule", False, date=tomorrow)
    assert asked.status == 202
    await eventually(functools.partial(is_there, client.stage.dsns["booking"], (booked.json or {})["id"], tomorrow))


async def is_there(dsn: str, appointment: str, date: str) -> bool:
    """Whether booking has an appointment on that day."""
    session = await asyncpg.connect(dsn)
    try:
        return bool(
            await session.fetchval("SELECT date = $2::text::date FROM appointments WHERE id = $1", UUID(appointment), date)
        )
    finally:
        await session.close()


@dataclass(frozen=True)
class Case:
    """A mutant, which service it is, what is done to it, and the invariants that it breaks; `conditions` hold without it, too."""

    mutant: str
    service: str
    interleaving: Callable[[Client, Part], Awaitable[None]]
    broken: set[int]
    conditions: tuple[str, ...] = ()


CASES = [
    Case("inbox_dropped", "availability", redelivered_after_its_commit, {5}),
    Case("reservation_guard_dropped", "availability", released_again_under_another_id, {1, 6}),
    Case("offsets_first", "availability", killed_before_its_commit, {2}),
    Case("high_water_mark", "booking", committed_behind_a_later_id, {1, 2, 5, 6, 7, 13, AT_REST}, ("left_to_relay",)),
    Case("wrong_place_given_back", "booking", moved, {1}),
]


async def played(stage: Stage, client: Client, case: Case, *mutants: str, within_seconds: float = REST_WITHIN_SECONDS) -> Report:
    """The report of the checker after the interleaving."""
    part = await stage.play(case.service, *case.conditions, *mutants)
    await case.interleaving(client, part)
    return await client.check(within_seconds)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.mutant)
async def test_a_mutant_is_caught(stage: Stage, client: Client, case: Case) -> None:
    within_seconds = NO_REST_WITHIN_SECONDS if AT_REST in case.broken else REST_WITHIN_SECONDS
    report = await played(stage, client, case, case.mutant, within_seconds=within_seconds)
    assert report.broken == case.broken, report.text()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.interleaving.__name__)
async def test_the_sound_system_passes(stage: Stage, client: Client, case: Case) -> None:
    report = await played(stage, client, case)
    assert report.ok, report.text()
    for asked in client.history.entries:
        assert (await client.ends(asked))["status"] == "succeeded"
