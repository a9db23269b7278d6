"""Every route of the API in a clinic of extremes, one call after the other, each timed. Called by `extremes.py`."""

import datetime as dt
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

from benchmarks.extreme_clinic import Extremes

ENTRIES = 200
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
ZONES = ("Europe/London", "America/New_York")
PREFER = {"Prefer": "wait=2"}
"""What takes longer is answered 202, and goes on."""


@dataclass
class Asked:
    """The slowest answer of a route, in seconds, and how its answers ended."""

    seconds: float = 0.0
    statuses: set[int] = field(default_factory=set)


@dataclass
class Calls:
    """What was asked so far, by method and template of the path. `after_each` is told the route behind each call."""

    http: httpx2.AsyncClient
    after_each: Callable[[str], Awaitable[None]]
    asked: dict[str, Asked] = field(default_factory=dict)

    async def ask(self, method: str, template: str, body: Any = None, /, **options: Any) -> Any:
        """One call. What stands in braces of the template is filled from `options`; the others are parameters of the query."""
        ids = {name: options.pop(name) for name in list(options) if f"{{{name}}}" in template}
        headers = PREFER | ({"Idempotency-Key": uuid4().hex} if method in ("POST", "DELETE") else {})
        query = {name.rstrip("_"): value for name, value in options.items()}
        content = {} if body is None else {"json": body}
        began = time.perf_counter()
        answer = await self.http.request(method, template.format_map(ids), params=query, headers=headers, **content)
        seconds = time.perf_counter() - began
        route = f"{method} {template}"
        asked = self.asked.setdefault(route, Asked())
        asked.seconds = max(asked.seconds, seconds)
        asked.statuses.add(answer.status_code)
        await self.after_each(route)
        return answer.json() if answer.content else {}


def in_days(number: int) -> str:
    """A date so many days ahead, in UTC."""
    return (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=number)).isoformat()


def hours(locations: list[str], entries: int, start: int) -> list[dict[str, Any]]:
    """Entries of two zones, each of which begins to count on a date of its own."""
    return [
        {
            "weekday": WEEKDAYS[number % 7],
            "start": f"{(start + number // 7 % 8):02}:00",
            "end": f"{(start + 1 + number // 7 % 8):02}:00",
            "slot_minutes": 5,
            "location_id": locations[number // 56 % 2],
            "valid_from": in_days(number // 56 * 400 + number % 7),
            "valid_to": in_days(number // 56 * 400 + number % 7 + 390),
        }
        for number in range(entries)
    ]


async def directory(calls: Calls, clinic: Extremes) -> None:
    """Clinic, categories, price ranges, doctors."""
    await calls.ask("GET", "/clinic")
    settings = {"max_daily_capacity": 1000, "default_daily_capacity": 1000, "booking_horizon_days": 400}
    await calls.ask("PATCH", "/clinic", settings)
    price = {"name": "Private", "currency": "GBP", "min": 1, "max": 2}
    for path, body, key in (("categories", {"name": "Cardiology"}, "category_id"), ("price-ranges", price, "price_range_id")):
        made = await calls.ask("POST", f"/{path}", body)
        await calls.ask("GET", f"/{path}")
        await calls.ask("GET", f"/{path}/{{{key}}}", **{key: made["id"]})
        await calls.ask("PATCH", f"/{path}/{{{key}}}", {"name": "Another"}, **{key: made["id"]})
        if path == "categories":
            for doctor in (clinic.daily, clinic.colleague):
                await calls.ask("PATCH", "/doctors/{doctor_id}", {"category_id": made["id"]}, doctor_id=doctor)
        other = await calls.ask("POST", f"/{path}", {**body, "name": "A third"})
        await calls.ask("DELETE", f"/{path}/{{{key}}}", **{key: other["id"]})
    await calls.ask("POST", "/doctors", {"name": "Dr New"})
    await calls.ask("GET", "/doctors", q="a", limit=200)
    await calls.ask("GET", "/doctors/{doctor_id}", doctor_id=clinic.daily)


async def calendar(calls: Calls, clinic: Extremes, entries: int) -> None:
    """Days, hours, exceptions, the search for open slots, displacing."""
    places = [{"address": "1 High Street", "time_zone": zone} for zone in ZONES]
    doctor = await calls.ask("PATCH", "/doctors/{doctor_id}", {"locations": places}, doctor_id=clinic.timed)
    locations = [one["id"] for one in doctor["locations"]]
    for start in (8, 9):
        week = {"entries": hours(locations, entries, start)}
        await calls.ask("PUT", "/doctors/{doctor_id}/schedule", week, doctor_id=clinic.timed)
    minutes = [{"weekday": day, "start": "00:00", "end": "24:00", "slot_minutes": 1} for day in WEEKDAYS]
    await calls.ask("PUT", "/doctors/{doctor_id}/schedule", {"entries": minutes[: max(1, entries // 28)]}, doctor_id=clinic.timed)
    await calls.ask("GET", "/doctors/{doctor_id}/schedule", doctor_id=clinic.timed)
    for query in ({"doctor_id": clinic.timed}, {}):
        await calls.ask("GET", "/slots", from_=in_days(1), to=in_days(60), limit=200, **query)
    for doctor_id in (clinic.exceptional, clinic.daily):
        body = {"kind": "closed", "from": in_days(1), "to": in_days(60), "reason": "ill"}
        await calls.ask("POST", "/doctors/{doctor_id}/exceptions", body, doctor_id=doctor_id, dry_run=True)
        made = await calls.ask("POST", "/doctors/{doctor_id}/exceptions", body, doctor_id=doctor_id)
        await calls.ask("GET", "/doctors/{doctor_id}/exceptions", doctor_id=doctor_id, limit=200)
        one = {"doctor_id": doctor_id, "exception_id": made["id"]}
        await calls.ask("GET", "/doctors/{doctor_id}/exceptions/{exception_id}", **one)
        if doctor_id == clinic.daily:
            await displace(calls, clinic)
        await calls.ask("DELETE", "/doctors/{doctor_id}/exceptions/{exception_id}", **one)
    await calls.ask("GET", "/doctors/{doctor_id}/availability", doctor_id=clinic.daily, date=in_days(3))
    day = {"date": in_days(3), "available": False}
    await calls.ask("POST", "/doctors/{doctor_id}/availability", day, doctor_id=clinic.daily)
    await calls.ask("POST", "/doctors/{doctor_id}/availability", {**day, "available": True}, doctor_id=clinic.daily)


async def displace(calls: Calls, clinic: Extremes) -> None:
    """By both policies, tried and done."""
    for policy in ("same_category", "same_doctor"):
        for dry_run in (True, False):
            body = {"from": in_days(1), "to": in_days(60), "policy": policy, "dry_run": dry_run}
            await calls.ask("POST", "/doctors/{doctor_id}/displace", body, doctor_id=clinic.daily)


async def people(calls: Calls, clinic: Extremes) -> None:
    """Patients, and searches for them."""
    made = [
        await calls.ask("POST", "/patients", {"name": f"Maya Lind {name}", "phone": f"+44 7700 90012{number}"})
        for number, name in enumerate(("One", "Two", "Three"))
    ]
    for query in ({"name": "Ada Lind"}, {"name": "nobody"}, {"phone": "+447700900120"}):
        await calls.ask("GET", "/patients", limit=200, **query)
    one, two, three = (patient["id"] for patient in made)
    await calls.ask("GET", "/patients/{patient_id}", patient_id=clinic.patient(1))
    await calls.ask("PATCH", "/patients/{patient_id}", {"name": "Maya Lund"}, patient_id=one)
    await calls.ask("POST", "/patients/{patient_id}/merge", {"into": one}, patient_id=two)
    await calls.ask("DELETE", "/patients/{patient_id}", patient_id=three)


async def appointments(calls: Calls, clinic: Extremes) -> None:
    """Bookings, and what becomes of them."""
    body = {"doctor_id": clinic.daily, "patient_id": clinic.patient(7), "date": in_days(2)}
    booked = await calls.ask("POST", "/appointments", body)
    held = await calls.ask("POST", "/appointments", {**body, "date": in_days(4), "confirm": False})
    await calls.ask("POST", "/appointments/{appointment_id}/confirm", {}, appointment_id=held["id"])
    there = {"doctor_id": clinic.daily, "date": in_days(5)}
    await calls.ask("POST", "/appointments/{appointment_id}/reschedule", there, appointment_id=booked["id"])
    for query in ({}, {"doctor_id": clinic.daily}, {"status": "cancelled"}, {"patient_id": clinic.patient(7)}):
        await calls.ask("GET", "/appointments", limit=200, **query)
    await calls.ask("GET", "/appointments/{appointment_id}", appointment_id=booked["id"])
    await calls.ask("GET", "/appointments/{appointment_id}/history", appointment_id=booked["id"])
    of_doctor = "/appointments/doctors/{doctor_id}/appointments"
    await calls.ask("GET", of_doctor, doctor_id=clinic.daily, date=in_days(2), limit=200)
    await calls.ask("POST", "/appointments/{appointment_id}/cancel", {"reason": "patient"}, appointment_id=booked["id"])
    await calls.ask("DELETE", "/appointments/{appointment_id}", appointment_id=held["id"])
    today = await calls.ask("POST", "/appointments", {**body, "doctor_id": clinic.colleague, "date": in_days(0)})
    checkin = {"appointment_id": today["id"], "patient_id": clinic.patient(7)}
    await calls.ask("POST", "/checkins", checkin)
    await calls.ask("GET", "/checkins/doctors/{doctor_id}/queue", doctor_id=clinic.colleague)
    await calls.ask("GET", "/commands/{command_id}", command_id=str(uuid4()), ticket="none")


async def deletion(calls: Calls, clinic: Extremes) -> None:
    """The doctor with all appointments: refused, then done, and looked at until none is left."""
    route = "/doctors/{doctor_id}"
    await calls.ask("DELETE", route, doctor_id=clinic.daily)
    give_up = time.monotonic() + 600
    left = 1
    while left and time.monotonic() < give_up:
        gone = await calls.ask("DELETE", route, doctor_id=clinic.daily, cancel_appointments=True)
        left = gone.get("appointments_left", 0)
    for path in ("categories", "price-ranges"):
        await calls.ask("GET", f"/{path}")


async def all_calls(calls: Calls, clinic: Extremes, share: float) -> None:
    """All of it, in an order in which each has something to do."""
    await directory(calls, clinic)
    await people(calls, clinic)
    await calendar(calls, clinic, max(28, round(ENTRIES * share)))
    await appointments(calls, clinic)
    await deletion(calls, clinic)
