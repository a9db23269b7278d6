"""`kill -9` at each step of a move, of a hold, of its confirmation and of its end, at points and not by luck.

At every moment, seen from outside: one live appointment with one slot that it holds. After recovery each command has ended once.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from functools import partial
from typing import Any

import asyncpg
import pytest

from tests.checker.history import Entry
from tests.faults.movers import booked, date, movers, with_hours
from tests.faults.mutants.points import AFTER_COMMIT, BEFORE_COMMIT, BEFORE_OFFSETS, type_of
from tests.faults.mutants.stage import API, Client, Stage, client_of, running_stage
from tests.faults.places import places_of, watched
from tests.support.waiting import eventually

REST_WITHIN_SECONDS = 60.0
POINTS = (BEFORE_COMMIT, AFTER_COMMIT, BEFORE_OFFSETS)
OF_A_MOVE = '"purpose":"move"'
REFUSED = -1
"""The place among the movers of the one that booking refuses."""
LONG, SHORT = 1800, 1
"""Seconds that a hold is held: for a whole test, and for hardly a moment."""


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    """A system of sound services that can be stopped at points."""
    with running_stage() as running:
        yield running


@pytest.fixture
async def client(stage: Stage) -> AsyncIterator[Client]:
    """A client with doctors of its own."""
    async with client_of(stage) as registered:
        yield registered


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


async def killed_at(stage: Stage, service: str, point: str, armed: Sequence[str], ask: Callable[[], Awaitable[None]]) -> None:
    """Asks, and kills the service once it stands at the point; it is started again."""
    part = stage.part(service)
    there = part.point(point)
    there.arm(*armed)
    await ask()
    await part.reaches(there)
    await part.crash()


async def at_rest(client: Client) -> None:
    """Nothing is left over, and nothing is wrong."""
    report = await client.check(REST_WITHIN_SECONDS)
    assert report.ok, report.text()


MOVE_STEPS = [
    *(("availability", "RescheduleAppointment", (), point) for point in POINTS),
    *(("booking", "SlotReserved", (OF_A_MOVE,), point) for point in POINTS),
    *(("availability", "SlotReleased", (), point) for point in POINTS),
    *(("booking", "SlotFreed", (), point) for point in (BEFORE_COMMIT, BEFORE_OFFSETS)),
    *(("availability", "AppointmentRefused", (), point) for point in POINTS),
]


def name_of(value: object) -> str:
    return value if isinstance(value, str) else ""


@pytest.mark.parametrize(("service", "step", "more", "point"), MOVE_STEPS, ids=name_of)
async def test_a_move(stage: Stage, client: Client, service: str, step: str, more: tuple[str, ...], point: str) -> None:
    moving = await movers(client)
    live = [str(one.appointment["patient_id"]) for one in moving[:REFUSED]]
    whose = moving[REFUSED if step == "AppointmentRefused" else 0]

    async def ask() -> None:
        for one in moving:
            await one.go(client)

    async with watched(stage, live) as places:
        await killed_at(stage, service, point, (whose.id, type_of(step), *more), ask)
        for one in moving:
            await one.has_ended(client, places)
    await at_rest(client)


HOLD_STEPS = [(*step, point) for step in (("availability", "BookAppointment"), ("booking", "SlotReserved")) for point in POINTS]


@pytest.mark.parametrize(("service", "step", "point"), HOLD_STEPS)
async def test_a_hold(stage: Stage, client: Client, service: str, step: str, point: str) -> None:
    _, slots = await with_hours(client)
    [by_number, by_clock] = client.patients

    async def ask() -> None:
        asked.append(await client.ask("/appointments", False, patient_id=by_number, doctor_id=client.doctor, **at))
        asked.append(await client.ask("/appointments", False, patient_id=by_clock, slot_id=slots[0], confirm=False))

    at = {"date": date(0), "confirm": False}
    asked: list[Entry] = []
    await killed_at(stage, service, point, (by_number, type_of(step)), ask)
    for entry in asked:
        await client.ends(entry)
    async with watched(stage, client.patients):
        for entry in asked:
            held = await client.again(entry)
            assert (held.status, (held.json or {})["status"]) == (201, "pending")
    await at_rest(client)


@pytest.mark.parametrize("point", POINTS)
async def test_a_confirmation(stage: Stage, client: Client, point: str) -> None:
    patient = await client.new_patient()
    held = await booked(client, patient, doctor_id=client.doctor, date=date(0), confirm=False)
    asked: list[Entry] = []

    async def ask() -> None:
        asked.append(await client.ask(f"/appointments/{held['id']}/confirm", wait=False))

    async with watched(stage, [patient]):
        await killed_at(stage, "booking", point, (held["id"], type_of("ConfirmAppointment")), ask)
        assert (await client.ends(asked[0]))["status_code"] == 200
        again = await client.again(asked[0])
        assert (again.status, (again.json or {})["status"]) == (200, "booked")
    await at_rest(client)


END_STEPS = [
    ("booking", "AppointmentExpired", BEFORE_COMMIT),
    ("booking", "AppointmentExpired", AFTER_COMMIT),
    *(("availability", "SlotReleased", point) for point in POINTS),
]


@pytest.mark.parametrize(("service", "step", "point"), END_STEPS)
async def test_the_end_of_a_hold(stage: Stage, client: Client, short_holds: None, service: str, step: str, point: str) -> None:
    """Nobody confirms it in time, and whoever does it later is too late, also while the sweep is dead."""
    patient, other = client.patients
    held: list[dict[str, Any]] = []

    async def ask() -> None:
        held.append(await booked(client, patient, doctor_id=client.doctor, date=date(0), confirm=False))

    # Its id is not known before: a release is told by its doctor, who has no other appointment.
    whose = patient if step == "AppointmentExpired" else client.doctor
    await killed_at(stage, service, point, (whose, type_of(step)), ask)
    late = await client.ask(f"/appointments/{held[0]['id']}/confirm", wait=True)
    assert (late.status, late.code) == (409, "expired")
    async with places_of(stage, []) as places:
        await eventually(partial(places.freed, [held[0]["slot_id"]]))
    assert (await booked(client, other, slot_id=held[0]["slot_id"]))["status"] == "booked"
    await at_rest(client)
