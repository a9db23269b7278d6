"""The judgement of an upgrade notices a release that does not fit the one before it.

Such a release is the present code with a new type of message, a new required field and a new value by which its reader decides.
Its availability runs beside the present booking; once booking is of that release as well, the same judgement finds nothing.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.checker import dump
from tests.e2e.metrics import counter
from tests.faults.client import API, Client, Command
from tests.faults.load import booking
from tests.faults.rounds import Rounds
from tests.support.dates import in_days
from tests.support.waiting import eventually
from tests.upgrade import releases
from tests.upgrade.mixed import Mixed, running_mixed
from tests.upgrade.patched import NEW_FIELD, NEW_TYPE, NEW_VALUE, SKIPPING, patched
from tests.upgrade.releases import Release

NO_REST_WITHIN_SECONDS = 3.0
"""So long is enough to see a system that never comes to rest."""
TOMORROW = in_days(1)
AT_ONCE = {"Prefer": "respond-async"}
"""Nobody waits for what does not end."""


class Misfit(NamedTuple):
    """What is asked for, how it is seen that the other release has met it, and what the judgement says then."""

    ask: Callable[[Client], Awaitable[None]]
    met: Callable[[Mixed], Awaitable[bool]]
    noticed: str


async def delete_doctor(client: Client) -> None:
    """Availability revokes the slot of an appointment, which booking is to cancel."""
    doctor, _ = await with_appointment(client)
    await delete(client, f"/doctors/{doctor}")


async def delete_patient(client: Client) -> None:
    """Booking releases the slot of an appointment, which availability is to free."""
    _, patient = await with_appointment(client)
    await delete(client, f"/patients/{patient}")


async def hold(client: Client) -> None:
    """Availability reserves a slot, of which booking is to make a hold."""
    command = await a_hold(client)
    client.http.headers.update(AT_ONCE)
    await client.send(command)


async def a_hold(client: Client) -> Command:
    """One that can be asked for."""
    [doctor], [patient] = await client.register(1, 1)
    command = booking(doctor, patient, TOMORROW)
    command.body["confirm"] = False
    return command


async def with_appointment(client: Client) -> tuple[str, str]:
    """A doctor, and a patient who has an appointment there."""
    [doctor], [patient] = await client.register(1, 1)
    booked = await client.finish(booking(doctor, patient, TOMORROW))
    assert booked.ended.status == 201, booked.statuses
    return doctor, patient


async def delete(client: Client, path: str) -> None:
    """Asks for it once; whether it is done shows the judgement."""
    answer = await client.http.delete(f"{API}{path}?cancel_appointments=true", headers=AT_ONCE)
    assert answer.status_code in (202, 204), answer.text


async def booking_stops(system: Mixed) -> bool:
    return await counter(system.services, "frontdesk_partitions_stopped", ["booking"]) == 1


async def letter_is_written(system: Mixed) -> bool:
    return len(await letters(system)) > len(system.injected)


async def letters(system: Mixed) -> list[bytes]:
    """The bodies of all dead letters."""
    return [one.value or b"" for one in await dump.records(system.servers.kafka_bootstrap) if one.is_dead_letter]


NOT_CONSUMED = r"\n15: \d+ records are not consumed: booking\n"
MISFITS = {
    "type": Misfit(delete_doctor, booking_stops, NOT_CONSUMED),
    "field": Misfit(delete_patient, letter_is_written, r"\n15: a dead letter: appointment\.events\.availability\.dlq "),
    "value": Misfit(hold, booking_stops, NOT_CONSUMED),
}


@pytest.fixture(scope="module")
def later(tmp_path_factory: pytest.TempPathFactory) -> Release:
    """The release that has all three."""
    return patched("later", tmp_path_factory.mktemp("later") / "code", [*NEW_TYPE, *NEW_FIELD, *NEW_VALUE])


@pytest.fixture(scope="module")
async def system(later: Release) -> AsyncIterator[Mixed]:
    """One process of each service: availability of the later release, the others of this code."""
    with running_mixed(releases.present(), of_each=1) as running:
        await running.replace("availability", later)
        yield running


@pytest.fixture
async def judged(system: Mixed, tmp_path: Path) -> Callable[..., Rounds]:
    """Plays the rounds of `test_upgrade.py`; dead letters of the tests before count no more."""
    system.injected = await letters(system)
    return partial(Rounds, system, tmp_path, lambda _: None)


@pytest.mark.parametrize("new", MISFITS)
async def test_what_the_other_release_cannot_read_is_noticed(
    judged: Callable[..., Rounds], system: Mixed, later: Release, new: str
) -> None:
    misfit = MISFITS[new]
    await system.replace("booking", releases.present())
    with pytest.raises(AssertionError, match=misfit.noticed):
        async with judged(NO_REST_WITHIN_SECONDS).round(f"new {new}") as played:
            await misfit.ask(played.client)
            await eventually(partial(misfit.met, system))
    await system.replace("booking", later)
    system.injected = await letters(system)
    async with judged().round(f"new {new}, all of one release") as played:
        await played.client.finish(await a_hold(played.client))
        await delete_patient(played.client)


async def test_an_effect_that_is_lost_in_silence_is_noticed(judged: Callable[..., Rounds], system: Mixed, tmp_path: Path) -> None:
    await system.replace("booking", patched("skipping", tmp_path / "code", SKIPPING))
    with pytest.raises(AssertionError, match=r"\n16: a deleted doctor has a live appointment: ") as noticed:
        async with judged().round("new type, passed by") as played:
            await delete_doctor(played.client)
    assert "\n15: " not in str(noticed.value), "nothing else tells of it"
