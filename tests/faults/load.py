"""A seeded mix of bookings, cancels and check-ins over several doctors and days: days fill up, places come back.

In the middle of it the clinic closes a date, deletes a doctor and merges two patients; one doctor is booked by the clock.

The seed decides what is asked for; which request is served first is the system's to decide. Used by the rounds.
"""

import asyncio
import datetime as dt
import random
from collections import deque
from collections.abc import Sequence
from typing import Any, Self

from tests.faults.clerk import Clerk
from tests.faults.client import AT_ONCE, Client, Command

DOCTORS, DAYS, PATIENTS = 8, 4, 12
BOOKINGS, CANCELS, CHECK_INS = 350, 75, 75
COMMANDS = BOOKINGS + CANCELS + CHECK_INS
FIRST_BOOKINGS = 40
"""Before anything is cancelled or checked in."""
DAY_WEIGHTS = (5, 6, 3, 2)
"""How often a day is asked for: of the first two more than their eighty places, so that days fill up."""
AGAIN = 0.15
"""How often what was cancelled or checked in already is asked for again by another command."""
OTHER_PATIENT = 0.05
"""How often a check-in comes with a patient whose appointment it is not."""
CLERKS_TIME = (60, 300)
"""Between so many ends of commands the clinic does what it does."""
TWICE = 0.05
"""How often a command is sent to both gateways at once."""


class Load:
    """One round's commands, `AT_ONCE` at a time."""

    def __init__(self, client: Client, doctors: Sequence[str], patients: Sequence[str], dice: random.Random) -> None:
        self._client = client
        self._doctors = list(doctors)
        self._patients = list(patients)
        self._dice = dice
        kinds = ["book"] * (BOOKINGS - FIRST_BOOKINGS) + ["cancel"] * CANCELS + ["check-in"] * CHECK_INS
        dice.shuffle(kinds)
        self._todo = deque(["book"] * FIRST_BOOKINGS + kinds)
        self._clerk = Clerk(client)
        self._timed, self._leaver, self._absent = self._doctors[:3]
        """Who has hours; who is deleted, and has no patients today; who is away on one date."""
        self._booked: list[dict[str, Any]] = []
        self._todays: list[dict[str, Any]] = []

    @classmethod
    async def of(cls, client: Client, dice: random.Random) -> Self:
        """A load on doctors and patients of its own."""
        return cls(client, *await client.register(DOCTORS, PATIENTS), dice)

    async def run(self) -> None:
        """Returns when every command has ended."""
        await self._clerk.schedule(self._timed)
        double, survivor = self._dice.sample(self._patients, 2)
        absence = (today() + dt.timedelta(days=1)).isoformat()
        close, delete, merge = (self._dice.randint(*CLERKS_TIME) for _ in range(3))
        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(self._work())
            workers.create_task(self._clerk.close(self._absent, absence, close))
            workers.create_task(self._clerk.delete(self._leaver, delete))
            workers.create_task(self._clerk.merge(double, survivor, merge))

    def check_done(self) -> None:
        """Raises unless all of it was asked for and there was enough of everything: a load that is refused shows nothing."""
        ends = self._client.ends()
        assert len(self._client.commands) == COMMANDS
        least = {("book", 201): 150, ("book", 409): 10, ("cancel", 200): 20, ("check-in", 201): 20}
        assert all(ends[kind] >= count for kind, count in least.items()), ends

    async def _work(self) -> None:
        while self._todo:
            command = self._made(self._todo.popleft())
            if self._dice.random() < TWICE:
                await asyncio.gather(self._client.send(command, 0), self._client.send(command, 1))
            await self._client.finish(command)
            if command.path == "/appointments" and command.ended.status == 201:
                self._keep(command.result)

    def _keep(self, appointment: dict[str, Any]) -> None:
        self._booked.append(appointment)
        if appointment["date"] == today().isoformat():
            self._todays.append(appointment)

    def _made(self, kind: str) -> Command:
        if kind == "cancel" and self._booked:
            return cancel(self._one_of(self._booked)["id"])
        if kind == "check-in" and self._todays:
            appointment = self._one_of(self._todays)
            other = self._dice.random() < OTHER_PATIENT
            return check_in(appointment["id"], self._dice.choice(self._patients) if other else appointment["patient_id"])
        doctor, days = self._dice.choice(self._doctors), self._dice.choices(range(DAYS), DAY_WEIGHTS)[0]
        date = today() + dt.timedelta(days=max(days, 1) if doctor == self._leaver else days)
        return booking(doctor, self._dice.choice(self._patients), date)

    def _one_of(self, appointments: list[dict[str, Any]]) -> dict[str, Any]:
        """Any of them; mostly it is taken out, so that nobody else asks for it."""
        place = self._dice.randrange(len(appointments))
        return appointments[place] if self._dice.random() < AGAIN or len(appointments) == 1 else appointments.pop(place)


def today() -> dt.date:
    """Today at the clinic, which is in UTC."""
    return dt.datetime.now(dt.UTC).date()


def booking(doctor: str, patient: str, date: dt.date) -> Command:
    """One booking."""
    return Command("/appointments", {"doctor_id": doctor, "patient_id": patient, "date": date.isoformat()})


def bookings(doctor: str, patients: Sequence[str], days: int, per_day: int = 10) -> list[Command]:
    """So many bookings for each of the days from today on, the days in turns."""
    dates = [today() + dt.timedelta(days=day) for day in range(days)]
    return [booking(doctor, patients[n % len(patients)], date) for n in range(per_day) for date in dates]


def cancel(appointment: str) -> Command:
    """One cancellation."""
    return Command(f"/appointments/{appointment}/cancel", {"reason": "patient"})


def check_in(appointment: str, patient: str) -> Command:
    """One check-in."""
    return Command("/checkins", {"appointment_id": appointment, "patient_id": patient})
