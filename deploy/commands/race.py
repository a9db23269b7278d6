"""The demo: fifty patients book ten places at once, then some of those who got one check in. Through the public API.

Repeatable: the patients are the same each time, the doctor is a new one, so there is always a day with room. Called by
`frontdesk demo`.
"""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

import httpx2

from deploy.failure import Failure, NoAnswer

PATIENTS = 50
PLACES = 10
ARRIVALS = 5
TIMEOUT_SECONDS = 40.0
WAIT = {"Prefer": "wait=30"}


@dataclass(frozen=True)
class BookingAttempt:
    """One patient's request for a place and how it ended."""

    key: str
    patient_id: str
    status: int
    code: str | None
    answer: dict[str, Any]
    milliseconds: float


@dataclass(frozen=True)
class RaceResult:
    """How all attempts ended, and the queue of those who checked in."""

    doctor_id: str
    date: str
    attempts: list[BookingAttempt]
    queue: list[dict[str, Any]]

    @property
    def booked(self) -> list[BookingAttempt]:
        return [one for one in self.attempts if one.status == httpx2.codes.CREATED]

    @property
    def refused(self) -> list[BookingAttempt]:
        return [one for one in self.attempts if one.code]

    @property
    def slots(self) -> list[int]:
        return sorted(one.answer["slot"] for one in self.booked)

    @property
    def endings(self) -> Counter[str]:
        """How many requests ended how."""
        return Counter(f"{one.status} {one.code or one.answer.get('status', '')}" for one in self.attempts)

    @property
    def as_it_must(self) -> bool:
        """Each place once, everybody else refused, nobody left without an end, positions without a gap."""
        if len(self.booked) + len(self.refused) != PATIENTS:
            return False
        positions = [entry["position"] for entry in self.queue]
        others = {one.code for one in self.refused}
        return (self.slots, others, positions) == ([*range(1, PLACES + 1)], {"full"}, [*range(1, ARRIVALS + 1)])

    @property
    def milliseconds(self) -> dict[str, float]:
        """How long the answers took."""
        times = sorted(one.milliseconds for one in self.attempts)
        return {"fastest": times[0], "median": median(times), "slowest": times[-1]}


async def run(api: str) -> RaceResult:
    """The whole demo. Raises `NoAnswer` if the API does not answer."""
    limits = httpx2.Limits(max_connections=PATIENTS)
    async with httpx2.AsyncClient(base_url=api, timeout=TIMEOUT_SECONDS, limits=limits) as client:
        try:
            return await _run(client)
        except httpx2.TransportError as error:
            raise NoAnswer.at("the API", api, type(error).__name__) from error


async def _run(client: httpx2.AsyncClient) -> RaceResult:
    name, date = uuid4().hex[:8], await _today(client)
    doctor = await _made(client, "/doctors", {"name": "Dr Rosa Race", "code": f"demo-{name}"}, f"demo-{name}")
    await _made(client, f"/doctors/{doctor}/availability", {"date": date, "capacity": PLACES}, f"demo-{name}-day", "doctor_id")
    patients = await asyncio.gather(*(_patient(client, f"demo-{name}", number) for number in range(PATIENTS)))
    attempts = await asyncio.gather(
        *(_book(client, doctor, date, patient, f"demo-{name}-{number}") for number, patient in enumerate(patients))
    )
    checking_in = [one for one in attempts if one.status == httpx2.codes.CREATED][:ARRIVALS]
    await asyncio.gather(*(_check_in(client, one) for one in checking_in))
    queue = (await client.get(f"/checkins/doctors/{doctor}/queue", params={"date": date})).raise_for_status().json()
    return RaceResult(doctor, date, attempts, queue["items"])


async def _today(client: httpx2.AsyncClient) -> str:
    """The clinic's date, which is that of a doctor without a location."""
    settings = _checked(await client.get("/clinic")).json()["settings"]
    return datetime.now(ZoneInfo(settings["time_zone"])).date().isoformat()


async def _patient(client: httpx2.AsyncClient, mark: str, number: int) -> str:
    """The same patient each time, found by name, phone and date of birth: a fixed key would be used up after 30 days."""
    person = {"name": f"Demo Patient {number}", "phone": f"+44 7700 90{number:04d}", "date_of_birth": "1980-01-01"}
    return await _made(client, "/patients", person, f"{mark}-patient-{number}")


async def _book(client: httpx2.AsyncClient, doctor: str, date: str, patient: str, key: str) -> BookingAttempt:
    began = time.perf_counter()
    body = {"doctor_id": doctor, "patient_id": patient, "date": date}
    answer = await client.post("/appointments", json=body, headers={"Idempotency-Key": key, **WAIT})
    taken = (time.perf_counter() - began) * 1000
    found = answer.json()
    return BookingAttempt(key, patient, answer.status_code, found.get("code"), found, taken)


async def _check_in(client: httpx2.AsyncClient, booked: BookingAttempt) -> None:
    body = {"appointment_id": booked.answer["id"], "patient_id": booked.patient_id}
    _checked(await client.post("/checkins", json=body, headers={"Idempotency-Key": f"{booked.key}-here", **WAIT}))


async def _made(client: httpx2.AsyncClient, path: str, body: dict[str, Any], key: str, id_field: str = "id") -> str:
    answer = await client.post(path, json=body, headers={"Idempotency-Key": key})
    return str(_checked(answer).json()[id_field])


def _checked(answer: httpx2.Response) -> httpx2.Response:
    if not answer.is_success:
        raise Failure(f"{answer.request.method} {answer.request.url.path} answered {answer.status_code}: {answer.text[:300]}")
    return answer
