"""Appointments that are about to be moved, one of each kind, and what must have become of them. Used by `test_kill_points.py`."""

from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.checker.history import Entry
from tests.faults.clerk import week
from tests.faults.mutants.stage import API, Client
from tests.faults.places import Places
from tests.support.dates import in_days
from tests.support.waiting import eventually

DAYS_AHEAD = 2
"""Far enough that no slot begins in the middle of a test."""


@dataclass
class Mover:
    """An appointment, where it is to go, and how that ends."""

    appointment: dict[str, Any]
    to: dict[str, Any]
    status: int = 200
    asked: Entry | None = None

    @property
    def id(self) -> str:
        return str(self.appointment["id"])

    async def go(self, client: Client) -> None:
        """Asks for the move, and does not wait for it."""
        self.asked = await client.ask(f"/appointments/{self.id}/reschedule", wait=False, **self.to)
        assert self.asked.status == 202, self.asked

    async def has_ended(self, client: Client, places: Places) -> None:
        """Raises unless the move has ended once, as the same key says again, and the place that it left is free."""
        assert self.asked
        ended = await client.ends(self.asked)
        again = await client.again(self.asked)
        assert (ended["status_code"], again.status) == (self.status, self.status), again
        now = (await client.http.get(f"{API}/appointments/{self.id}")).json()
        if self.status == 200:
            assert again.json == now and now["status"] == self.appointment["status"]
            assert now["slot_id"] != self.appointment["slot_id"]
        await eventually(partial(places.freed, [self.appointment["slot_id"]]))


def date(days: int) -> str:
    """A date, so many days behind the first that is used."""
    return in_days(DAYS_AHEAD + days).isoformat()


async def with_hours(client: Client) -> tuple[str, list[str]]:
    """A doctor with hours, and the slots of a date."""
    doctor = await client.new_doctor()
    answer = await client.http.put(f"{API}/doctors/{doctor}/schedule", json={"entries": week()})
    assert answer.status_code == 200, answer.text

    async def slots() -> list[str]:
        found = await client.http.get(f"{API}/slots", params={"doctor_id": doctor, "from": date(0), "to": date(0)})
        return [str(one["id"]) for one in found.json()["items"]]

    return doctor, await eventually(slots)


async def booked(client: Client, patient: str, **place: Any) -> dict[str, Any]:
    """An appointment of this patient."""
    entry = await client.ask("/appointments", True, patient_id=patient, **place)
    assert entry.status == 201, entry
    return dict(entry.json or {})


async def movers(client: Client) -> list[Mover]:
    """To another date, to another doctor, by the clock, from numbers to the clock, a hold; and one that is cancelled already."""
    daily, other = client.doctor, await client.new_doctor()
    _, slots = await with_hours(client)
    patients = [await client.new_patient() for _ in range(6)]
    at = {"doctor_id": daily, "date": date(0)}
    cancelled = await booked(client, patients[5], **at)
    assert (await client.ask(f"/appointments/{cancelled['id']}/cancel", True)).status == 200
    return [
        Mover(await booked(client, patients[0], **at), {"date": date(1)}),
        Mover(await booked(client, patients[1], **at), {"date": date(0), "doctor_id": other}),
        Mover(await booked(client, patients[2], slot_id=slots[0]), {"slot_id": slots[1]}),
        Mover(await booked(client, patients[3], **at), {"slot_id": slots[2]}),
        Mover(await booked(client, patients[4], **at, confirm=False), {"date": date(1)}),
        Mover(cancelled, {"date": date(1)}, status=409),
    ]
