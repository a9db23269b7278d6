"""`kill -9` at each step of a move, of a hold, of its confirmation and of its end, at points and not by luck.

At every moment, seen from outside: one live appointment with one slot that it holds. After recovery each command has ended once.
The steps of one story are killed one after the other, at the same point of each.
"""

import random
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.checker.history import Entry
from tests.faults.movers import booked, date, movers, with_hours
from tests.faults.mutants.points import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_OFFSETS, type_of
from tests.faults.mutants.stage import API, Client, Stage
from tests.faults.places import places_of, watched
from tests.faults.rounds import ROUNDS, SEED, TIMEOUT_SECONDS
from tests.support.waiting import eventually

pytestmark = pytest.mark.timeout(TIMEOUT_SECONDS)

REST_WITHIN_SECONDS = 60.0
POINTS = (BEFORE_COMMIT, AFTER_COMMIT, BEFORE_OFFSETS)
SOME_POINTS = POINTS if ROUNDS > 1 else (random.Random(SEED).choice(POINTS),)
"""Of what is no move, in one round only one, which the seed draws."""
LONG, SHORT = 1800, 1
"""Seconds that a hold is held: for a whole test, and for hardly a moment."""


@dataclass(frozen=True)
class Step:
    """What a service does with a message, or says; `more` stands in it as well."""

    service: str
    type: str
    more: tuple[str, ...] = ()


@pytest.fixture(autouse=True)
async def sound(stage: Stage) -> None:
    """Whatever the stage was before."""
    await stage.sound()


@pytest.fixture
async def short_holds(stage: Stage, client: Client) -> AsyncIterator[None]:
    """Holds end after a moment."""
    await set_holds(stage, client, SHORT)
    yield
    await set_holds(stage, client, LONG)


async def set_holds(stage: Stage, client: Client, seconds: int) -> None:
    """Says how long holds are held, and returns when booking knows."""
    answer = await client.http.patch(f"{API}/clinic", json={"hold_ttl_seconds": seconds})
    assert answer.status_code == 200, answer.text
    version = answer.json()["version"]
    session = await asyncpg.connect(stage.dsns["booking"])

    async def known() -> bool:
        return bool(await session.fetchval("SELECT bool_and(version >= $1) FROM clinic_settings", version))

    try:
        await eventually(known)
    finally:
        await session.close()


async def killed_at(stage: Stage, point: str, steps: Sequence[Step], whose: str, ask: Callable[[], Awaitable[None]]) -> None:
    """Asks, and kills each step's service once it stands at the point with something of `whose`; each is started again.

    Neighbours are steps of different services. The step after the next is armed before anything can come to it: as long as its
    service stands.
    """
    parts = [stage.part(step.service) for step in steps]
    points = [part.point(point) for part in parts]

    def arm(number: int) -> None:
        if number < len(steps):
            points[number].arm(whose, type_of(steps[number].type), *steps[number].more)

    try:
        arm(0)
        arm(1)
        await ask()
        for number, part in enumerate(parts):
            await part.reaches(points[number])
            arm(number + 2)
            await part.crash()
    finally:  # a test that failed leaves nobody standing
        for left in points:
            left.let_go()


MOVE = (
    Step("availability", "RescheduleAppointment"),
    Step("booking", "SlotReserved", ('"purpose":"move"',)),
    Step("availability", "SlotReleased"),
    Step("booking", "SlotFreed"),
)
REFUSAL = (Step("availability", "AppointmentRefused"),)


@pytest.mark.parametrize("point", POINTS)
async def test_a_move(stage: Stage, client: Client, point: str) -> None:
    *moving, refused = await movers(client)
    steps = MOVE[:-1] if point == AFTER_COMMIT else MOVE  # the last one says nothing

    async def ask() -> None:
        for one in moving:
            await one.go(client)

    async with watched(stage, [str(one.appointment["patient_id"]) for one in moving]) as places:
        await killed_at(stage, point, steps, moving[0].id, ask)
        await killed_at(stage, point, REFUSAL, refused.id, partial(refused.go, client))
        for one in (*moving, refused):
            await one.has_ended(client, places)
    report = await client.check(REST_WITHIN_SECONDS)
    assert report.ok, report.text()


HOLD = (Step("availability", "BookAppointment"), Step("booking", "SlotReserved"))
CONFIRMATION = (Step("booking", "ConfirmAppointment"),)


@pytest.mark.parametrize("point", SOME_POINTS)
async def test_a_hold_and_its_confirmation(stage: Stage, client: Client, point: str) -> None:
    _, [slot, *_] = await with_hours(client)
    [by_number, by_clock] = client.patients
    at = {"doctor_id": client.doctor, "date": date(0)}
    asked: list[Entry] = []

    async def hold() -> None:
        asked.append(await client.ask("/appointments", False, patient_id=by_number, confirm=False, **at))
        asked.append(await client.ask("/appointments", False, patient_id=by_clock, confirm=False, slot_id=slot))

    await killed_at(stage, point, HOLD, by_number, hold)
    held = [await told(client, entry, 201, "pending") for entry in asked]

    async def confirm() -> None:
        asked[:] = [await client.ask(f"/appointments/{one}/confirm", False) for one in held]

    async with watched(stage, client.patients):
        await killed_at(stage, point, CONFIRMATION, held[0], confirm)
        for entry in asked:
            await told(client, entry, 200, "booked")
    report = await client.check(REST_WITHIN_SECONDS)
    assert report.ok, report.text()


async def told(client: Client, entry: Entry, code: int, status: str) -> str:
    """How a command ended, as its id and its key say; gives the appointment."""
    assert (await client.ends(entry))["status_code"] == code
    again = await client.again(entry)
    appointment = again.json or {}
    assert (again.status, appointment["status"]) == (code, status)
    return str(appointment["id"])


EXPIRY, GIVEN_BACK = Step("booking", "AppointmentExpired"), Step("availability", "SlotReleased")
END = {BEFORE_COMMIT: (EXPIRY, GIVEN_BACK), AFTER_COMMIT: (EXPIRY,), BEFORE_OFFSETS: (GIVEN_BACK,)}
"""The sweep reads no record; that a place is free again nobody is told, as no command asked for it."""


@pytest.mark.parametrize("point", SOME_POINTS)
async def test_the_end_of_a_hold(stage: Stage, client: Client, short_holds: None, point: str) -> None:
    """Nobody confirms it in time, and whoever does it later is too late."""
    patient, other = client.patients
    held: list[dict[str, Any]] = []

    async def hold() -> None:
        held.append(await booked(client, patient, doctor_id=client.doctor, date=date(0), confirm=False))

    # The appointment's id is not known before: all is told by its doctor, who has no other one.
    await killed_at(stage, point, END[point], client.doctor, hold)
    late = await client.ask(f"/appointments/{held[0]['id']}/confirm", wait=True)
    assert (late.status, late.code) == (409, "expired")
    async with places_of(stage, []) as places:
        await eventually(partial(places.freed, [held[0]["slot_id"]]))
    assert (await booked(client, other, slot_id=held[0]["slot_id"]))["status"] == "booked"
    report = await client.check(REST_WITHIN_SECONDS)
    assert report.ok, report.text()
