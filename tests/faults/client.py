"""A client as a good one is: it keeps each command's idempotency key, repeats until the command ended, remembers all answers."""

import asyncio
import datetime as dt
import time
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2

API = "/api/v1"
TIMEOUT_SECONDS = 15.0
REPEAT_SECONDS = 0.25
END_WITHIN_SECONDS = 60.0
AT_ONCE = 16


@dataclass
class Command:
    """One command of the client's, and what it was told of it: None for a connection that broke."""

    path: str
    body: dict[str, Any]
    key: str = field(default_factory=lambda: uuid4().hex)
    history: list[httpx2.Response | None] = field(default_factory=list)

    @property
    def end(self) -> httpx2.Response | None:
        """The final answer, if the last one was that."""
        last = self.history[-1] if self.history else None
        return None if last is None or last.status_code in (202, 503) else last

    @property
    def result(self) -> dict[str, Any]:
        """What it was told in the end."""
        assert self.end is not None, f"no end of {self.path} after {self.statuses}"
        result: dict[str, Any] = self.end.json()
        return result

    @property
    def statuses(self) -> list[int | None]:
        return [None if answer is None else answer.status_code for answer in self.history]


class Client:
    """Asks the gateway, `AT_ONCE` commands at a time."""

    def __init__(self, http: httpx2.AsyncClient) -> None:
        self.http = http
        self._by_key: dict[str, Command] = {}
        self.ended = 0
        self._places = asyncio.Semaphore(AT_ONCE)
        self._progress = asyncio.Condition()

    @property
    def commands(self) -> list[Command]:
        """All commands that it finished."""
        return list(self._by_key.values())

    async def register(self) -> tuple[str, list[str]]:
        """A doctor of this test's own and five patients."""
        doctor = await self.made("/doctors", {"name": "Dr Ada Osei", "code": f"ada-{uuid4().hex[:12]}"})
        people = [{"name": f"Patient {n}", "phone": "+44 7700 900123", "date_of_birth": f"199{n}-04-12"} for n in range(5)]
        return doctor, [await self.made("/patients?on_duplicate=create", person) for person in people]

    async def made(self, path: str, body: dict[str, Any]) -> str:
        """The id of what a POST made."""
        answer = await self.http.post(f"{API}{path}", json=body, headers={"Idempotency-Key": uuid4().hex})
        assert answer.status_code in (200, 201), answer.text
        return str(answer.json()["id"])

    async def send(self, command: Command) -> httpx2.Response | None:
        """Sends it once."""
        try:
            answer = await self.http.post(f"{API}{command.path}", json=command.body, headers={"Idempotency-Key": command.key})
        except httpx2.TransportError:
            command.history.append(None)
            return None
        command.history.append(answer)
        return answer

    async def finish(self, command: Command) -> Command:
        """Sends it with the same key until it ended."""
        async with self._places:
            self._by_key[command.key] = command
            deadline = time.monotonic() + END_WITHIN_SECONDS
            while await self.send(command) is None or command.end is None:
                assert time.monotonic() < deadline, f"no end of {command.path} after {command.statuses}"
                await asyncio.sleep(REPEAT_SECONDS)
        async with self._progress:
            self.ended += 1
            self._progress.notify_all()
        return command

    async def look(self, command_id: str) -> httpx2.Response:
        """What the command's id tells; asked again while nobody can say."""
        async with self._places, asyncio.timeout(END_WITHIN_SECONDS):
            while (answer := await self.http.get(f"{API}/commands/{command_id}")).status_code == 503:  # noqa: ASYNC110
                await asyncio.sleep(REPEAT_SECONDS)
            return answer

    async def after(self, count: int) -> None:
        """Returns once so many commands have ended."""
        async with asyncio.timeout(END_WITHIN_SECONDS), self._progress:
            await self._progress.wait_for(lambda: self.ended >= count)

    async def visit(self, booking: Command) -> None:
        """Books, and checks in if the appointment is today's."""
        booked = (await self.finish(booking)).result
        if booked.get("date") == today().isoformat():
            await self.finish(Command("/checkins", {"appointment_id": booked["id"], "patient_id": booked["patient_id"]}))


def today() -> dt.date:
    """Today at the clinic, which is in UTC."""
    return dt.datetime.now(dt.UTC).date()


def bookings(doctor: str, patients: list[str], days: int, per_day: int = 10) -> list[Command]:
    """So many bookings for each of the days from today on, the days in turns."""
    dates = [today() + dt.timedelta(days=day) for day in range(days)]
    return [booking(doctor, patients[n % len(patients)], date) for n in range(per_day) for date in dates]


def booking(doctor: str, patient: str, date: dt.date) -> Command:
    """One booking."""
    return Command("/appointments", {"doctor_id": doctor, "patient_id": patient, "date": date.isoformat()})
