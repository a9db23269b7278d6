"""A patient asks for twenty places at once, over two booking processes: three are held, and all others are free again."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any

from tests.model.audit import audit
from tests.soak.conftest import Tell
from tests.soak.grid import many_patients
from tests.support.clinic import Clinic, in_days

ASKED = 20
HELD = 3
"""Live holds of a patient, at most."""


async def days_of_many_doctors(clinic: Clinic) -> list[dict[str, str]]:
    """As many days with one place as a patient asks for, of doctors of their own: their keys lie on all partitions."""
    doctors = [await clinic.doctor() for _ in range(ASKED)]
    days = [{"doctor_id": doctor, "date": in_days(3)} for doctor in doctors]
    for day in days:
        opened = await clinic.post(f"/doctors/{day['doctor_id']}/availability", {"date": day["date"], "capacity": 1})
        assert opened.status_code == 201, opened.text
    return days


async def play(clinic: Clinic, patient: str, days: list[dict[str, str]]) -> Counter[str]:
    """One round, at whose end all is free for the next. How each of the attempts ended."""
    bodies = [{"patient_id": patient, "confirm": False, **day} for day in days]
    answers = [answer.json() for answer in await asyncio.gather(*(clinic.post("/appointments", body) for body in bodies))]
    for held in (answer["id"] for answer in answers if "id" in answer):
        cancelled = await clinic.post(f"/appointments/{held}/cancel", {})
        assert cancelled.status_code == 200, cancelled.text
    return Counter(answer.get("code", answer["status"]) for answer in answers)


async def test_a_patient_holds_three_places_at_most(
    clinic: Clinic, rounds: int, figures: Tell, superuser: Callable[..., Any]
) -> None:
    days, ends = await days_of_many_doctors(clinic), Counter[str]()
    for patient in await many_patients(clinic, rounds):
        told = await play(clinic, patient, days)
        assert told == {"pending": HELD, "too_many_holds": ASKED - HELD}
        ends += told
    figures(f"{rounds} rounds of {ASKED} holds at once, {dict(ends)}")
    assert await audit(await superuser("availability"), await superuser("booking"), [day["doctor_id"] for day in days]) == []
