"""A client that speaks the public API about the model's numbers: whom it has met, and which slot is which, it remembers itself.

What no client can do is done in the databases: time passes there, and there both services' rows are compared.
"""

import asyncio
import datetime as dt
from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import httpx2

from tests.model.audit import audit
from tests.model.world import LIVE, Answer, Hours, Place, Target
from tests.support.clinic import Clinic, in_days, week
from tests.support.waiting import eventually

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"
"""Of a superuser, to one service's database."""
LAPSE = "UPDATE appointments SET expires_at = clock_timestamp() WHERE id = $1 AND status = 'pending'"
RING = "UPDATE hold_timers SET due_at = clock_timestamp() WHERE appointment_id = $1"
FIRST_DAY = 2
"""Of the model's dates, from today: whatever the time is, none of them has begun."""
SLOT_MINUTES = 30
SUCCESSES = range(200, 300)
UNDECIDED = ("no_such_slot", "unknown_patient")
"""A gateway may refuse so before anybody decides: then the key is still free for whatever is true by then."""


class Reply(NamedTuple):
    """An answer of the API."""

    status: int
    body: Any = None


class Sent(NamedTuple):
    """A command that was decided, to be sent again."""

    path: str
    body: Any
    key: str
    reply: Reply


class Office:
    """One clinic's doctors, patients and appointments by number."""

    def __init__(self, clinic: Clinic, availability: Connection, booking: Connection) -> None:
        self._clinic, self._availability, self._booking = clinic, availability, booking
        self.doctors: list[str] = []
        self.patients: list[str] = []
        self.appointments: list[str] = []
        self.closings: dict[tuple[int, int], list[str]] = {}
        self.sent: list[Sent] = []
        self._slots: dict[Place, str] = {}

    async def open(self, hours: Sequence[Hours], dates: int, capacity: int, patients: int) -> None:
        """Begins with these doctors and patients."""
        for doctor, own in enumerate(hours):
            self.doctors.append(await self._clinic.doctor())
            if own:
                assert (await self.set_hours(doctor, own)).status == 200
                continue
            for date in range(dates):
                assert (await self.set_day(doctor, date, capacity=capacity)).status == 200
        await asyncio.gather(*(self.register() for _ in range(patients)))

    async def register(self) -> None:
        """A new patient."""
        self.patients.append(await self._clinic.patient())

    async def book(self, patient: int, target: Target, *, confirm: bool, by_start: bool) -> Answer:
        """Books or holds a place: by date, or a slot by its id or by its start."""
        body = {"patient_id": self.patients[patient], **({} if confirm else {"confirm": False})}
        slot = self._slot_of(target)
        if slot and not by_start:
            body |= {"slot_id": slot}
        else:
            body |= {"doctor_id": self.doctors[target.doctor], **_when(target)}
        reply = await self._send("/appointments", body)
        if reply.status == 201:
            self.appointments.append(reply.body["id"])
        return self._judged(reply)

    async def confirm(self, number: int) -> Answer:
        """Confirms a hold."""
        return self._judged(await self._send(f"{self._one(number)}/confirm"))

    async def cancel(self, number: int) -> Answer:
        """Cancels an appointment."""
        return self._judged(await self._send(f"{self._one(number)}/cancel", {"reason": "patient"}))

    async def move(self, number: int, target: Target, *, by_start: bool, name_doctor: bool) -> Answer:
        """Moves an appointment; its own doctor need not be named."""
        slot = self._slot_of(target)
        if slot and not by_start:
            body: dict[str, Any] = {"slot_id": slot}
        else:
            body = _when(target) | ({"doctor_id": self.doctors[target.doctor]} if name_doctor else {})
        return self._judged(await self._send(f"{self._one(number)}/reschedule", body))

    async def repeat(self, which: int) -> tuple[Reply, Reply]:
        """Sends a command again with its key: what it was answered, and what it is answered now."""
        sent = self.sent[which]
        return sent.reply, _reply(await self._clinic.post(sent.path, sent.body, sent.key))

    async def delete_patient(self, patient: int, *, cancel: bool) -> Answer:
        """Deletes a patient."""
        return _bare(await self._clinic.delete(f"/patients/{self.patients[patient]}", cancel_appointments=cancel))

    async def close(self, doctor: int, date: int) -> Answer:
        """Closes a date, and hears who is displaced."""
        self._forget(doctor)
        body = {"kind": "closed", "from": _date(date), "to": _date(date), "reason": "ill"}
        made = await self._clinic.post(f"{self._doctor(doctor)}/exceptions", body, uuid4().hex)
        self.closings.setdefault((doctor, date), []).append(made.json()["id"])
        return self._displaced(made)

    async def reopen(self, doctor: int, date: int) -> Answer:
        """Ends a closing."""
        self._forget(doctor)
        path = f"{self._doctor(doctor)}/exceptions/{self.closings[doctor, date].pop()}"
        return _bare(await self._clinic.delete(path))

    async def set_hours(self, doctor: int, hours: Hours) -> Answer:
        """Writes a doctor's week, and hears who is displaced."""
        self._forget(doctor)
        same = week(_clock(hours[0]), _clock(hours[-1] + SLOT_MINUTES), slot_minutes=SLOT_MINUTES)
        return self._displaced(await self._clinic.put(f"{self._doctor(doctor)}/schedule", same))

    async def set_day(self, doctor: int, date: int, **fields: Any) -> Answer:
        """Sets a day's capacity, or whether it is open; whether that made its record is of no interest."""
        body = {"date": _date(date), **fields}
        return _day(await self._clinic.post(f"{self._doctor(doctor)}/availability", body, uuid4().hex))

    async def read_day(self, doctor: int, date: int) -> Answer:
        """A day as it reads."""
        return _day(await self._clinic.get(f"{self._doctor(doctor)}/availability", date=_date(date)))

    async def read_open(self, doctor: int, date: int) -> Answer:
        """The starts of what can be booked; the ids of these slots are remembered."""
        slots = await self._clinic.open_slots(self.doctors[doctor], _date(date))
        found = {Place(doctor, date, _minute(one["starts_at"])): one["id"] for one in slots}
        self._slots |= found
        return Answer(200, seen=tuple(place.at for place in found))

    async def read(self, number: int) -> Answer:
        """An appointment."""
        return self._judged(_reply(await self._clinic.get(self._one(number))))

    async def details(self, number: int) -> tuple[int, bool, list[str]]:
        """Its version, whether it has an end, and what happened to it."""
        one = await self._clinic.appointment(self.appointments[number])
        changes = await self._clinic.history(one["id"])
        assert [change["version"] for change in changes] == list(range(1, one["version"] + 1))
        return one["version"], one["expires_at"] is not None, [change["event"] for change in changes]

    async def lapse(self, number: int) -> None:
        """The time of a hold is over, on the database's clock."""
        hold = UUID(self.appointments[number])
        async with self._booking.transaction():
            assert await self._booking.execute(LAPSE, hold) == "UPDATE 1"
            await self._booking.execute(RING, hold)

    async def audit(self) -> list[str]:
        """What is wrong between slots and appointments of all doctors, once nothing is owed."""
        return await audit(self._availability, self._booking, self.doctors)

    async def until(self, doctor: int, date: int, expected: Answer) -> None:
        """Waits until a day reads like this."""

        async def reads() -> bool:
            found = await self.read_day(doctor, date)
            assert found == expected, f"doctor {doctor}, date {date} reads {found}, to be expected was {expected}"
            return True

        await eventually(reads)

    async def _send(self, path: str, body: Any = None) -> Reply:
        key = uuid4().hex
        reply = _reply(await self._clinic.post(path, body, key))
        if reply.status in SUCCESSES or reply.body["code"] not in UNDECIDED:
            self.sent.append(Sent(path, body, key, reply))
        return reply

    def _slot_of(self, target: Target) -> str | None:
        return None if target.at is None else self._slots.get(Place(target.doctor, target.date, target.at))

    def _forget(self, doctor: int) -> None:
        """A slot that goes and comes again is another one."""
        self._slots = {place: slot for place, slot in self._slots.items() if place.doctor != doctor}

    def _judged(self, reply: Reply) -> Answer:
        """What was said of an appointment; a held one has an end, and only it."""
        if reply.status not in SUCCESSES:
            return Answer(reply.status, reply.body["code"])
        one = reply.body
        assert one["status"] == "cancelled" or (one["expires_at"] is None) == (one["status"] == "booked"), one
        at = _minute(one["starts_at"]) if one["starts_at"] else one["slot"]
        place = Place(self.doctors.index(one["doctor_id"]), _number(one["date"]), at)
        if one["starts_at"] and one["status"] in LIVE:
            self._slots[place] = one["slot_id"]
        return Answer(reply.status, seen=(one["status"], place))

    def _displaced(self, answer: httpx2.Response) -> Answer:
        assert answer.is_success, answer.text
        displaced = answer.json()["displaced"]
        return Answer(answer.status_code, seen=frozenset(self.appointments.index(one["id"]) for one in displaced))

    def _one(self, number: int) -> str:
        return f"/appointments/{self.appointments[number]}"

    def _doctor(self, number: int) -> str:
        return f"/doctors/{self.doctors[number]}"


def _reply(answer: httpx2.Response) -> Reply:
    return Reply(answer.status_code, answer.json())


def _bare(answer: httpx2.Response) -> Answer:
    return Answer(answer.status_code, None if answer.is_success else answer.json()["code"])


def _day(answer: httpx2.Response) -> Answer:
    if not answer.is_success:
        return _bare(answer)
    day = answer.json()
    return Answer(200, seen=(day["available"], day["capacity"], day["remaining"]))


def _when(target: Target) -> dict[str, str]:
    if target.at is None:
        return {"date": _date(target.date)}
    return {"starts_at": f"{_date(target.date)}T{_clock(target.at)}:00Z"}


def _date(number: int) -> str:
    return in_days(FIRST_DAY + number)


def _number(date: str) -> int:
    return (dt.date.fromisoformat(date) - dt.date.fromisoformat(_date(0))).days


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"


def _minute(instant: str) -> int:
    at = dt.datetime.fromisoformat(instant)
    return at.hour * 60 + at.minute
