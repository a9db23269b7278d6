"""Two hundred ask for the last place at the same moment: one gets it, and everybody else is told so."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from deploy.embedded.services import Services
from tests.model.audit import audit
from tests.soak.conftest import Tell
from tests.soak.crowd import Crowd
from tests.soak.grid import many_patients, some_slots, timed_doctor
from tests.support.clinic import Clinic, in_days

ATTEMPTS = 200
DAYS_OF_A_DOCTOR = 300


@pytest.fixture
async def crowd(stack: Services) -> AsyncIterator[Crowd]:
    gathered = await Crowd.gathered(stack, ATTEMPTS)
    yield gathered
    await gathered.disperse()


async def play(crowd: Crowd, patients: list[str], place: dict[str, str]) -> Counter[str]:
    """One round for a place of which there is one. How everybody's attempt ended."""
    return Counter(told.end for told in await crowd.ask("/appointments", [{"patient_id": one, **place} for one in patients]))


async def test_a_timed_slot_has_one_winner(
    clinic: Clinic, crowd: Crowd, rounds: int, figures: Tell, superuser: Callable[..., Any]
) -> None:
    doctor, patients, ends = await timed_doctor(clinic), await many_patients(clinic, ATTEMPTS), Counter[str]()
    for slot in await some_slots(clinic, doctor, rounds):
        told = await play(crowd, patients, {"slot_id": slot})
        assert told == {"201": 1, "slot_taken": ATTEMPTS - 1}
        ends += told
    figures(f"{rounds} rounds of {ATTEMPTS} attempts, {dict(ends)}")
    assert await audit(await superuser("availability"), await superuser("booking"), [doctor]) == []


async def test_a_day_s_last_number_has_one_winner(
    clinic: Clinic, crowd: Crowd, rounds: int, figures: Tell, superuser: Callable[..., Any]
) -> None:
    patients, ends = await many_patients(clinic, ATTEMPTS), Counter[str]()
    doctors = [await clinic.doctor() for _ in range(0, rounds, DAYS_OF_A_DOCTOR)]
    days = itertools.product(doctors, (in_days(1 + day) for day in range(DAYS_OF_A_DOCTOR)))
    for doctor, date in itertools.islice(days, rounds):
        day = await clinic.post(f"/doctors/{doctor}/availability", {"date": date, "capacity": 1})
        assert day.status_code == 201, day.text
        told = await play(crowd, patients, {"doctor_id": doctor, "date": date})
        assert told == {"201": 1, "full": ATTEMPTS - 1}
        ends += told
    figures(f"{rounds} rounds of {ATTEMPTS} attempts, {dict(ends)}")
    assert await audit(await superuser("availability"), await superuser("booking"), doctors) == []
