"""A client of the running system, as an app in front of the gateways would be: HTTP only, through both gateways in turn.

Every answer it gets must be one that the OpenAPI document tells of.
"""

import asyncio
import itertools
from collections.abc import Iterable
from typing import Any
from uuid import uuid4

import httpx2

from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from tests.e2e.documented import assert_documented
from tests.support import dates

TIMEOUT_SECONDS = 40.0
PREFER = {"Prefer": "wait=30"}
"""The longest that a command may be waited for: on a busy machine the usual five seconds end in a 202 now and then."""
GATEWAYS = ("gateway", "gateway-2")
_PHONES = itertools.count(uuid4().int % 10**8)


def today() -> str:
    """The clinic's date: its zone is UTC."""
    return in_days(0)


def in_days(days: int) -> str:
    """A date relative to today."""
    return dates.in_days(days).isoformat()


WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class Desk:
    """What a client can do, with the checks left to the tests."""

    def __init__(self, services: Services, servers: Backend) -> None:
        self.services = services
        self.servers = servers
        limits, hooks = httpx2.Limits(max_connections=100), {"response": [assert_documented]}
        self.clients = [
            httpx2.AsyncClient(
                base_url=f"{services.url(name)}/api/v1", headers=PREFER, timeout=TIMEOUT_SECONDS, limits=limits, event_hooks=hooks
            )
            for name in GATEWAYS
        ]
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
        made = await self.post("/doctors", {"name": "Dr Ada Osei", "code": f"dr-{uuid4().hex}"})
        assert made.status_code == 201, made.text
        doctor_id = str(made.json()["id"])
        if capacity is not None:
            day = await self.post(f"/doctors/{doctor_id}/availability", {"date": date or in_days(1), "capacity": capacity})
            assert day.status_code == 201, day.text
        return doctor_id

    async def patient(self, name: str = "Maya Lind") -> str:
        """A new patient's id."""
        made = await self.post("/patients", {"name": name, "phone": f"+4477{next(_PHONES) % 10**8:08d}"})
        assert made.status_code == 201, made.text
        return str(made.json()["id"])

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
        answer = await self.book(doctor_id, patient_id, date)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def timed_doctor(self, start: str = "09:00", end: str = "11:00", minutes: int = 30) -> str:
        """A new doctor's id, with the same hours on each day of the week."""
        doctor_id, hours = await self.doctor(), {"start": start, "end": end, "slot_minutes": minutes}
        put = await self.put(f"/doctors/{doctor_id}/schedule", {"entries": [{"weekday": day, **hours} for day in WEEK]})
        assert put.status_code == 200, put.text
        return doctor_id

    async def open_slots(self, doctor_id: str, date: str | None = None) -> list[dict[str, Any]]:
        """What can be booked on a date."""
        day = date or in_days(1)
        page = await self.get("/slots", **{"doctor_id": doctor_id, "from": day, "to": day, "limit": 200})
        assert page.status_code == 200, page.text
        return list(page.json()["items"])

    async def take(self, slot: dict[str, Any], patient_id: str, key: str | None = None, **more: Any) -> httpx2.Response:
        """Ask for a slot by its id; `confirm=False` holds it."""
        return await self.post("/appointments", {"slot_id": slot["id"], "patient_id": patient_id, **more}, key)

    async def taken(self, slot: dict[str, Any], patient_id: str, **more: Any) -> dict[str, Any]:
        """An appointment that has this slot."""
        answer = await self.take(slot, patient_id, **more)
        assert answer.status_code == 201, answer.text
        return dict(answer.json())

    async def confirm(self, appointment_id: str, key: str | None = None) -> httpx2.Response:
        """Confirm a hold."""
        return await self.post(f"/appointments/{appointment_id}/confirm", None, key)

    async def move(self, appointment_id: str, to: dict[str, Any], key: str | None = None, **headers: str) -> httpx2.Response:
        """Move an appointment: `to` is the body."""
        return await self.post(f"/appointments/{appointment_id}/reschedule", to, key, **headers)

    async def cancel(self, appointment_id: str, key: str | None = None, **more: Any) -> httpx2.Response:
        """Cancel an appointment."""
        return await self.post(f"/appointments/{appointment_id}/cancel", {"reason": "patient", **more}, key)

    async def history(self, appointment_id: str) -> list[dict[str, Any]]:
        """All changes of an appointment."""
        read = await self.get(f"/appointments/{appointment_id}/history")
        assert read.status_code == 200, read.text
        return list(read.json()["items"])

    async def check_in(self, appointment_id: str, patient_id: str, key: str | None = None) -> httpx2.Response:
        """Say that a patient is here."""
        return await self.post("/checkins", {"appointment_id": appointment_id, "patient_id": patient_id}, key)

    async def remaining(self, doctor_id: str, date: str | None = None) -> int:
        """Free places of a day."""
        day = await self.get(f"/doctors/{doctor_id}/availability", date=date or in_days(1))
        assert day.status_code == 200, day.text
        return int(day.json()["remaining"])

    async def appointments(self, **query: Any) -> list[dict[str, Any]]:
        """The appointments of a patient, a doctor or a day, the first two hundred."""
        page = await self.get("/appointments", limit=200, **query)
        assert page.status_code == 200, page.text
        return list(page.json()["items"])

    async def live(self, **query: Any) -> list[dict[str, Any]]:
        """Those of them that hold a place."""
        return [one for one in await self.appointments(**query) if one["status"] in ("pending", "booked", "checked_in")]

    async def live_slots(self, doctor_id: str, date: str | None = None) -> list[int]:
        """Numbers that live appointments hold, in order."""
        page = await self.get("/appointments", doctor_id=doctor_id, date=date or in_days(1), status="booked", limit=200)
        assert page.status_code == 200, page.text
        return sorted(item["slot"] for item in page.json()["items"])

    async def metric(self, name: str, instances: Iterable[str]) -> float:
        """A counter summed over its labels and over instances."""
        total = 0.0
        async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
            for instance in instances:
                text = (await client.get(f"{self.services.url(instance)}/metrics")).text
                lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
                total += sum(float(line.rpartition(" ")[2]) for line in lines)
        return total


def problem_of(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of a refusal, which must be a problem in its documented shape."""
    assert answer.headers["content-type"].startswith("application/problem+json"), answer.text
    problem = answer.json()
    assert problem.keys() >= {"type", "title", "status", "code", "correlation_id"}, problem
    assert problem["status"] == answer.status_code
    assert problem["correlation_id"] == answer.headers["request-id"]
    return answer.status_code, problem["code"]


def bad_fields(answer: httpx2.Response) -> set[str]:
    """Fields that a 422 names."""
    assert problem_of(answer) == (422, "validation_failed")
    return {error["field"] for error in answer.json()["errors"]}
