"""A seeded mix of bookings, holds, confirmations, moves, cancels and check-ins: days fill up, places come back.

They are of several doctors and days, by number and by the clock, so that patients are wanted in two places at a time. In the
middle of it the clinic closes a date, deletes a doctor and merges two patients.

The seed decides what is asked for; which request is served first is the system's to decide. Used by the rounds.
"""

import asyncio
import datetime as dt
import os
import random
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from tests.faults.clerk import Clerk
from tests.faults.client import AT_ONCE, Client, Command, kind_of
from tests.support.dates import in_days

FULL = os.environ.get("FAULT_LOAD") == "full"
"""`make faults` sends 500 commands a round, `make test` two fifths of it to as much less of a clinic."""
DOCTORS, DAYS, PATIENTS = (8, 4, 12) if FULL else (5, 3, 8)
SHARE = 1.0 if FULL else 0.4
MIX = {
    kind: round(count * SHARE)
    for kind, count in {"book": 200, "hold": 60, "confirm": 45, "move": 65, "cancel": 50, "check-in": 40}.items()
}
FIRST_BOOKINGS = round(40 * SHARE)
"""Before anything is moved, cancelled or checked in."""
COMMANDS = FIRST_BOOKINGS + sum(MIX.values())
HOLD_SECONDS = 5 if FULL else 3
"""Some are confirmed in time, some are not. The checker waits for the last of them."""
BY_SLOT = 0.35
"""How often a place is asked for by its slot."""
DAY_WEIGHTS = (5, 6, 3, 2)[:DAYS]
"""How often a day is asked for: of the first two more than their places, so that days fill up."""
SAME_DOCTOR = 0.3
"""How often a move names no doctor."""
AGAIN = 0.15
"""How often what was confirmed, moved, cancelled or checked in already is asked for again by another command."""
OTHER_PATIENT = 0.05
"""How often a check-in comes with a patient whose appointment it is not."""
CLERKS_TIME = (round(60 * SHARE), round(300 * SHARE))
"""Between so many ends of commands the clinic does what it does."""
LEAST = {
    ("book", 201): 100, ("book", 409): 10, ("hold", 201): 10, ("confirm", 200): 3, ("move", 200): 15, ("cancel", 200): 15,
    ("check-in", 201): 10,
}  # fmt: skip
"""How often each kind must have ended so at the whole load: one that is refused shows nothing."""
LEAST_SHARE = SHARE if FULL else SHARE / 2
"""Chance moves a short load more."""
REFUSED = 400
TWICE = 0.05
"""How often a command is sent to both gateways at once."""


class Load:
    """One round's commands, `AT_ONCE` at a time."""

    def __init__(self, client: Client, doctors: Sequence[str], patients: Sequence[str], dice: random.Random) -> None:
        self._client = client
        self._doctors = list(doctors)
        self._patients = list(patients)
        self._dice = dice
        kinds = [kind for kind, count in MIX.items() for _ in range(count)]
        dice.shuffle(kinds)
        self._todo = deque(["book"] * FIRST_BOOKINGS + kinds)
        self._clerk = Clerk(client)
        self._timed, self._colleague, self._leaver, self._absent = self._doctors[:4]
        """Two who have the same hours; who is deleted; who is away on one date."""
        self._not_today = {self._timed, self._colleague, self._leaver}
        """Whose hours of today may be over, and who must have seen nobody when he is deleted."""
        self._double, self._survivor = dice.sample(self._patients, 2)
        """Two patients who are one: neither goes to the colleague, so that nothing of them overlaps."""
        self._slots: dict[str, list[str]] = {}
        self._live: list[dict[str, Any]] = []
        self._held: list[dict[str, Any]] = []
        self._todays: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, client: Client, dice: random.Random) -> Self:
        """A load on doctors and patients of its own."""
        return cls(client, *await client.register(DOCTORS, PATIENTS), dice)

    async def run(self) -> None:
        """Returns when every command has ended."""
        tomorrow, after = day(1), day(2)
        await self._clerk.hold_for(HOLD_SECONDS)
        for doctor in (self._timed, self._colleague):
            await self._clerk.schedule(doctor)
            # Not the first: it begins at midnight, and a round may go on over that.
            self._slots[doctor] = (await self._clerk.slots(doctor, tomorrow, after))[1:]
        close, delete, merge = (self._dice.randint(*CLERKS_TIME) for _ in range(3))
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(self._work())
            workers.create_task(self._clerk.close(self._absent, tomorrow, close))
            workers.create_task(self._clerk.delete(self._leaver, delete))
            workers.create_task(self._clerk.merge(self._double, self._survivor, merge))

    def missing(self) -> dict[str, int]:
        """How many commands were not asked for, and what ended too seldom, with how often it did; nothing if all was done."""
        ends, left = self._client.ends(), COMMANDS - len(self._client.commands)
        seldom = {str(kind): ends[kind] for kind, count in LEAST.items() if ends[kind] < count * LEAST_SHARE}
        return {**({"not asked for": left} if left else {}), **seldom}

    async def _work(self) -> None:
        while self._todo:
            command = self._made(self._todo.popleft())
            if self._dice.random() < TWICE:
                await asyncio.gather(self._client.send(command, 0), self._client.send(command, 1))
            await self._client.finish(command)
            self._keep(command)

    def _keep(self, command: Command) -> None:
        """What was booked, held or moved can be asked for from now on."""
        kind, appointment = kind_of(command), command.result
        if kind not in ("book", "hold", "move") or (command.ended.status or 0) >= REFUSED:
            return
        self._live.append(appointment)
        if kind == "hold":
            self._held.append(appointment)
        elif appointment["date"] == day(0):
            self._todays.append(appointment)

    def _made(self, kind: str) -> Command:
        """A command of this kind; a booking as long as there is nothing to be moved, confirmed, cancelled or checked in."""
        if kind == "confirm" and self._held:
            return confirm(self._one_of(self._held)["id"])
        if kind == "cancel" and self._live:
            return cancel(self._one_of(self._live)["id"])
        if kind == "move" and self._live:
            appointment = self._one_of(self._live)
            return move(appointment["id"], self._place_to_go(appointment["patient_id"]))
        if kind == "check-in" and self._todays:
            appointment = self._one_of(self._todays)
            other = self._dice.random() < OTHER_PATIENT
            return check_in(appointment["id"], self._dice.choice(self._patients) if other else appointment["patient_id"])
        patient = self._dice.choice(self._patients)
        hold = {"confirm": False} if kind == "hold" else {}
        return Command("/appointments", {"patient_id": patient, **self._place(patient), **hold})

    def _place(self, patient: str) -> dict[str, Any]:
        """A slot, or a doctor's day."""
        doctors = self._doctors_of(patient)
        if self._dice.random() < BY_SLOT:
            slots = [slot for doctor in doctors for slot in self._slots.get(doctor, ())]
            return {"slot_id": self._dice.choice(slots)}
        doctor, days = self._dice.choice(doctors), self._dice.choices(range(DAYS), DAY_WEIGHTS)[0]
        return {"doctor_id": doctor, "date": day(max(days, 1) if doctor in self._not_today else days)}

    def _place_to_go(self, patient: str) -> dict[str, Any]:
        """The same, or another day of the same doctor; never today, which not every doctor has."""
        if self._dice.random() < SAME_DOCTOR:
            return {"date": day(self._dice.randrange(1, DAYS))}
        place = self._place(patient)
        return place | {"date": max(place["date"], day(1))} if "date" in place else place

    def _doctors_of(self, patient: str) -> list[str]:
        two_who_are_one = patient in (self._double, self._survivor)
        return [doctor for doctor in self._doctors if doctor != self._colleague or not two_who_are_one]

    def _one_of(self, appointments: list[dict[str, Any]]) -> dict[str, Any]:
        """Any of them; mostly it is taken out, so that nobody else asks for it."""
        place = self._dice.randrange(len(appointments))
        return appointments[place] if self._dice.random() < AGAIN or len(appointments) == 1 else appointments.pop(place)


def day(days: int) -> str:
    """So many days from today on."""
    return in_days(days).isoformat()


def booking(doctor: str, patient: str, date: dt.date) -> Command:
    """One booking."""
    return Command("/appointments", {"doctor_id": doctor, "patient_id": patient, "date": date.isoformat()})


def bookings(doctor: str, patients: Sequence[str], days: int, per_day: int = 10) -> list[Command]:
    """So many bookings for each of the days from today on, the days in turns."""
    dates = [in_days(number) for number in range(days)]
    return [booking(doctor, patients[n % len(patients)], date) for n in range(per_day) for date in dates]


def confirm(appointment: str) -> Command:
    """One confirmation."""
    return Command(f"/appointments/{appointment}/confirm", {})


def move(appointment: str, place: dict[str, Any]) -> Command:
    """One move."""
    return Command(f"/appointments/{appointment}/reschedule", place)


def cancel(appointment: str) -> Command:
    """One cancellation."""
    return Command(f"/appointments/{appointment}/cancel", {"reason": "patient"})


def check_in(appointment: str, patient: str) -> Command:
    """One check-in."""
    return Command("/checkins", {"appointment_id": appointment, "patient_id": patient})
