"""A patient asks two doctors for the same hour at once: one of them has it, and the other is at once free for somebody else."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

from tests.model.audit import audit
from tests.soak.conftest import Tell
from tests.soak.grid import some_slots, timed_doctor
from tests.support.clinic import Clinic, problem_of

AT_ONCE = 10
"""Rounds side by side, each with patients of its own."""
Hour = tuple[str, str]
"""The slots of both doctors at one time."""


async def play(clinic: Clinic, patient: str, other: str, hour: Hour) -> str:
    """One round. Which doctor has the patient; the other one has `other` right after the answers."""
    answers = await asyncio.gather(*(clinic.post("/appointments", {"patient_id": patient, "slot_id": slot}) for slot in hour))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == 1 and problem_of(refused[0]) == (409, "patient_busy"), [answer.text for answer in answers]
    left = hour[answers.index(refused[0])]
    booked = await clinic.post("/appointments", {"patient_id": other, "slot_id": left})
    assert booked.status_code == 201, f"the place of a refused booking is not free with its answer: {booked.text}"
    return "second" if left == hour[0] else "first"


async def play_all(clinic: Clinic, hours: Iterator[Hour]) -> Counter[str]:
    """Rounds one after the other, as long as there are hours."""
    patient, other = await clinic.patients(2)
    return Counter([await play(clinic, patient, other, hour) for hour in hours])


async def test_a_patient_is_with_one_of_two_doctors(
    clinic: Clinic, rounds: int, figures: Tell, superuser: Callable[..., Any]
) -> None:
    doctors = [await timed_doctor(clinic) for _ in range(2)]
    one, two = [await some_slots(clinic, doctor, rounds) for doctor in doctors]
    hours = iter(list(zip(one, two, strict=True)))
    won = sum(await asyncio.gather(*(play_all(clinic, hours) for _ in range(AT_ONCE))), Counter())
    figures(f"{rounds} rounds, {AT_ONCE} side by side: {dict(won)} doctor had the patient, the other one somebody else at once")
    assert won.total() == rounds
    assert await audit(await superuser("availability"), await superuser("booking"), doctors) == []
