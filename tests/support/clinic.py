"""A client of one clinic's API: what tests of all four services ask by.

How its requests reach a gateway is made by `transports.py`: HTTP to running gateways, or the application of one in this process.
"""

import asyncio
import datetime as dt
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2

from shared.contracts.calendar import Weekday
from tests.support import dates
from tests.support.waiting import eventually

_PHONES = itertools.count(uuid4().int % 10**8)


def today() -> str:
    """The clinic's date: its zone is UTC."""
    return in_days(0)


def in_days(days: int) -> str:
    """A date relative to today."""
    return dates.in_days(days).isoformat()


Slot = Mapping[str, Any]
"""An open slot as the search tells of it; its `id` is what is asked for."""


def week(start: str, end: str, **fields: Any) -> dict[str, Any]:
    """A schedule with the same hours on each day."""
    return {"entries": [{"weekday": day.value, "start": start, "end": end, **fields} for day in Weekday]}


FOUR_SLOTS = week("09:00", "11:00", slot_minutes=30)


class Clinic:
    """A client of one clinic's API, through all gateways in turn. What is checked is left to the tests."""

    def __init__(self, clients: Sequence[httpx2.AsyncClient]) -> None:
        self.clients = list(clients)
        self._turn = itertools.cycle(self.clients)

    async def close(self) -> None:
        """Close all connections."""
        for client in self.clients:
            await client.aclose()

    async def post(self, path: str, body: Any = None, key: str | None = None, **headers: str) -> httpx2.Response:
        """POST through the next gateway."""
        sent = headers | ({"Idempotency-Key": key} if key is not None else {})
        return await next(self._turn).post(path, json=body, headers=sent)

    async def get(self, path: str, **query: Any) -> httpx2.Response:
        """GET through the next gateway."""
        return await next(self._turn).get(path, params=query)

    async def delete(self, path: str, *, cancel_appointments: bool = False, **headers: str) -> httpx2.Response:
        """DELETE through the next gateway."""
        query = {"cancel_appointments": "true"} if cancel_appointments else {}
        return await next(self._turn).delete(path, params=query, headers=headers)

    async def patch(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """PATCH through the next gateway."""
        return await next(self._turn).patch(path, json=body, headers=headers)

    async def put(self, path: str, body: Any, **headers: str) -> httpx2.Response:
        """PUT through the next gateway."""
        return await next(self._turn).put(path, json=body, headers=headers)

    async def doctor(self, date: str | None = None, capacity: int | None = None) -> str:
        """A new doctor's id, with a day of this capacity."""
        doctor_id = str(_made(await self.post("/doctors", {"name": "Dr Ada Osei", "code": f"dr-{uuid4().hex}"}))["id"])
        if capacity is not None:
            _made(await self.post(f"/doctors/{doctor_id}/availability", {"date": date or in_days(1), "capacity": capacity}))
        return doctor_id

    async def patient(self, name: str = "Maya Lind") -> str:
        """A new patient's id."""
        return str(_made(await self.post("/patients", {"name": name, "phone": f"+4477{next(_PHONES) % 10**8:08d}"}))["id"])

    async def patients(self, count: int) -> list[str]:
        """Ids of new patients."""
        return await asyncio.gather(*(self.patient() for _ in range(count)))

    async def book(
        self, doctor_id: str, patient_id: str, date: str | None = None, key: str | None = None, **headers: str
    ) -> httpx2.Response:
        """Ask for a place of a doctor's day."""
        body = {"doctor_id": doctor_id, "patient_id": patient_id, "date": date or in_days(1)}
        return await self.post("/appointments", body, key, **headers)

    async def booked(self, doctor_id: str, patient_id: str, date: str | None = None) -> dict[str, Any]:
        """An appointment that was booked."""
        return _made(await self.book(doctor_id, patient_id, date))

    async def timed_doctor(self, schedule: dict[str, Any] = FOUR_SLOTS) -> str:
        """A new doctor's id, with this schedule."""
        doctor_id = await self.doctor()
        await self._schedule(doctor_id, schedule)
        return doctor_id

    async def doctor_at_place(self, schedule: dict[str, Any], **place: Any) -> dict[str, Any]:
        """A new doctor who works at one place, with this schedule."""
        body = {"name": "Dr Ada Osei", "code": f"dr-{uuid4().hex}", "locations": [{"address": "1 High Street", **place}]}
        doctor = _made(await self.post("/doctors", body))
        await self._schedule(doctor["id"], schedule)
        return doctor

    async def _schedule(self, doctor_id: str, schedule: dict[str, Any]) -> None:
        _body(await self.put(f"/doctors/{doctor_id}/schedule", schedule))

    async def open_slots(self, doctor_id: str, first: str | None = None, last: str | None = None) -> list[dict[str, Any]]:
        """What can be booked on a date, or from one to another."""
        first = first or in_days(1)
        return await self._items("/slots", **{"doctor_id": doctor_id, "from": first, "to": last or first, "limit": 200})

    async def take(self, slot: Slot, patient_id: str, key: str | None = None) -> httpx2.Response:
        """Ask for a slot by its id."""
        return await self.post("/appointments", {"slot_id": slot["id"], "patient_id": patient_id}, key)

    async def taken(self, slot: Slot, patient_id: str) -> dict[str, Any]:
        """An appointment that has this slot."""
        return _made(await self.take(slot, patient_id))

    async def hold(self, slot: Slot, patient_id: str, key: str | None = None) -> httpx2.Response:
        """Ask for a slot that is to be held."""
        return await self.post("/appointments", {"slot_id": slot["id"], "patient_id": patient_id, "confirm": False}, key)

    async def held(self, slot: Slot, patient_id: str) -> dict[str, Any]:
        """An appointment that holds this slot."""
        return _made(await self.hold(slot, patient_id))

    async def confirm(self, appointment_id: str, key: str | None = None) -> httpx2.Response:
        """Confirm a hold."""
        return await self.post(f"/appointments/{appointment_id}/confirm", None, key)

    async def move(self, appointment_id: str, to: dict[str, Any], key: str | None = None, **headers: str) -> httpx2.Response:
        """Move an appointment: `to` is the body."""
        return await self.post(f"/appointments/{appointment_id}/reschedule", to, key, **headers)

    async def cancel(
        self, appointment_id: str, key: str | None = None, reason: str = "patient", note: str | None = None, **headers: str
    ) -> httpx2.Response:
        """Cancel an appointment."""
        body = {"reason": reason, **({"note": note} if note else {})}
        return await self.post(f"/appointments/{appointment_id}/cancel", body, key, **headers)

    async def appointment(self, appointment_id: str) -> dict[str, Any]:
        """An appointment as it is now."""
        return _body(await self.get(f"/appointments/{appointment_id}"))

    async def history(self, appointment_id: str) -> list[dict[str, Any]]:
        """All changes of an appointment."""
        return await self._items(f"/appointments/{appointment_id}/history")

    async def check_in(self, appointment_id: str, patient_id: str, key: str | None = None, **headers: str) -> httpx2.Response:
        """Say that a patient is here."""
        return await self.post("/checkins", {"appointment_id": appointment_id, "patient_id": patient_id}, key, **headers)

    async def queue(self, doctor_id: str) -> list[dict[str, Any]]:
        """The entries of a doctor's queue today."""
        return await self._items(f"/checkins/doctors/{doctor_id}/queue", date=today())

    async def remaining(self, doctor_id: str, date: str | None = None) -> int:
        """Free places of a day."""
        return int(_body(await self.get(f"/doctors/{doctor_id}/availability", date=date or in_days(1)))["remaining"])

    async def appointments(self, **query: Any) -> list[dict[str, Any]]:
        """The appointments of a patient, a doctor or a day, the first two hundred."""
        return await self._items("/appointments", limit=200, **query)

    async def live(self, **query: Any) -> list[dict[str, Any]]:
        """Those of them that hold a place."""
        return [one for one in await self.appointments(**query) if one["status"] in ("pending", "booked", "checked_in")]

    async def live_slots(self, doctor_id: str, date: str | None = None) -> list[int]:
        """Numbers that live appointments hold, in order."""
        booked = await self.appointments(doctor_id=doctor_id, date=date or in_days(1), status="booked")
        return sorted(one["slot"] for one in booked)

    async def _items(self, path: str, **query: Any) -> list[dict[str, Any]]:
        return list(_body(await self.get(path, **query))["items"])

    async def settled(self, location: str) -> dict[str, Any]:
        """A command once it is settled, read where its 202 said."""

        async def look() -> dict[str, Any]:
            return _body(await self.get(location.removeprefix("/api/v1")))

        return await eventually(look)

    @asynccontextmanager
    async def settings(self, **changed: Any) -> AsyncIterator[None]:
        """The clinic's settings are others inside of this, and afterwards what they were.

        It returns when availability has its old default capacity and booking its old time of holds; each service hears of all
        settings in one message. Inside, a test waits for what it is about.
        """
        before, daily, timed = _body(await self.get("/clinic"))["settings"], await self.doctor(), await self.timed_doctor()
        _body(await self.patch("/clinic", changed))
        try:
            yield
        finally:
            _body(await self.patch("/clinic", {name: before[name] for name in changed}))
            await eventually(lambda: self.has_capacity(daily, before["default_daily_capacity"]))
            await eventually(lambda: self.holds_for(timed, before["hold_ttl_seconds"]))

    async def has_capacity(self, doctor_id: str, capacity: int) -> bool:
        """Whether availability has this default capacity."""
        day = _body(await self.get(f"/doctors/{doctor_id}/availability", date=in_days(1)))
        return bool(day["capacity"] == capacity)

    async def holds_for(self, doctor_id: str, seconds: int) -> bool:
        """Whether booking holds a slot of a timed doctor so long, once one is open. The slot is given back."""
        slots = await self.open_slots(doctor_id)
        if not slots:
            return False
        held = await self.held(slots[0], await self.patient())
        cancelled = await self.cancel(held["id"])
        assert cancelled.status_code == 200 or problem_of(cancelled) == (409, "expired")
        begun, ends = (dt.datetime.fromisoformat(held[name]) for name in ("created_at", "expires_at"))
        return round((ends - begun).total_seconds()) == seconds


def _body(answer: httpx2.Response, status: int = 200) -> dict[str, Any]:
    """The body of an answer that must have this status."""
    assert answer.status_code == status, answer.text
    return dict(answer.json())


def _made(answer: httpx2.Response) -> dict[str, Any]:
    """What a request has made."""
    return _body(answer, 201)


def problem_of(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem in its documented shape."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    problem = answer.json()
    assert problem.keys() >= {"type", "title", "status", "code", "correlation_id"}, problem
    assert problem["status"] == answer.status_code
    assert problem["correlation_id"] == answer.headers["request-id"]
    return answer.status_code, problem["code"]


def repeated(again: httpx2.Response, first: httpx2.Response) -> dict[str, Any]:
    """The body of an answer, which a repeat under its key got, too."""
    assert (again.status_code, again.json()) == (first.status_code, first.json())
    assert again.headers["idempotent-replayed"] == "true" and "idempotent-replayed" not in first.headers
    assert again.headers["command-id"] == first.headers["command-id"]
    return dict(first.json())


def bad_fields(answer: httpx2.Response) -> set[str]:
    """Fields that a 422 names."""
    assert problem_of(answer) == (422, "validation_failed")
    return {error["field"] for error in answer.json()["errors"]}
