"""What a search finds can be booked, or is refused for what became true behind the search: searchers who book what they find,
and a calendar that changes, side by side.

A search sees what was committed before it began. So a snapshot of availability's database is taken before it, and another one
behind the refusal of a slot that it found: the reason has to be a change that the second sees and the first does not. No clock is
asked.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID, uuid4

import httpx2

from tests.support.clinic import Clinic, in_days, problem_of, week

SEARCHERS = 8
SEARCHES = 12
"""Of each searcher."""
AMONG = 4
"""Everybody wants one of so many first slots: they meet."""
DATES = (in_days(3), in_days(4))
SNAPSHOT = "SELECT pg_current_snapshot()::text"
BETWEEN = """
SELECT action FROM audit
WHERE (subject_id = $1 OR detail ->> 'doctor_id' = $3 AND action <> 'slot_taken' OR subject_id = $3::uuid)
  AND NOT pg_visible_in_snapshot(xmin::text::xid8, $2::text::pg_snapshot)
  AND pg_visible_in_snapshot(xmin::text::xid8, $4::text::pg_snapshot)
"""
"""What happened to the slot, or to its doctor's calendar, between two snapshots."""
REASONS = {
    "slot_taken": {"slot_taken"},
    "no_such_slot": {"exception_made", "exception_ended", "day_set", "schedule_changed"},
    "doctor_absent": {"exception_made", "day_set"},
}


@dataclass(frozen=True)
class Refusal:
    """A slot that was found and then refused."""

    slot: UUID
    doctor: str
    before: str
    behind: str
    code: str


@dataclass
class Crowd:
    """Those who search and book what they find, in a category of the test's own."""

    clinic: Clinic
    availability: Any
    category: str
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    """Of the connection."""
    ends: Counter[str] = field(default_factory=Counter)
    refused: list[Refusal] = field(default_factory=list)

    async def snapshot(self) -> str:
        """What everybody can see now."""
        async with self.lock:
            return str(await self.availability.fetchval(SNAPSHOT))

    async def go(self, patient: str) -> None:
        """Searches, books what is found, and gives it back to search again."""
        for number in range(SEARCHES):
            seen = await self.snapshot()
            found = await self.clinic.get("/slots", category=self.category, to=DATES[-1], **{"from": DATES[0]}, earliest=AMONG)
            assert found.status_code == 200, found.text
            if not found.json()["items"]:
                continue
            slot = random.choice(found.json()["items"])
            answer = await self.clinic.post(
                "/appointments", {"patient_id": patient, "slot_id": slot["id"], "confirm": number % 2 == 0}
            )
            await self._note(answer, slot, seen)

    async def _note(self, answer: httpx2.Response, slot: dict[str, Any], seen: str) -> None:
        if answer.status_code == 201:
            assert answer.json()["slot_id"] == slot["id"]
            self.ends[answer.json()["status"]] += 1
            assert (await self.clinic.cancel(answer.json()["id"])).status_code == 200
        else:
            _, code = problem_of(answer)
            self.ends[code] += 1
            self.refused.append(Refusal(UUID(slot["id"]), slot["doctor_id"], seen, await self.snapshot(), code))

    async def change(self, doctor: str, done: asyncio.Event) -> None:
        """Closes a date and opens it again, by an exception and by hand in turn, as long as somebody searches."""
        path = f"/doctors/{doctor}"
        while not done.is_set():
            made = await self.clinic.post(f"{path}/exceptions", {"kind": "closed", "from": DATES[0], "to": DATES[0]})
            assert made.status_code == 201, made.text
            assert (await self.clinic.delete(f"{path}/exceptions/{made.json()['id']}")).status_code == 204
            for available in (False, True):
                day = await self.clinic.post(f"{path}/availability", {"date": DATES[0], "available": available})
                assert day.status_code in (200, 201), day.text

    async def unexplained(self) -> list[tuple[Refusal, list[str]]]:
        """The refusals without a reason that came behind their search, with what did come."""
        rest = []
        for refusal in self.refused:
            rows = await self.availability.fetch(BETWEEN, refusal.slot, refusal.before, refusal.doctor, refusal.behind)
            actions = sorted({row["action"] for row in rows})
            if REASONS.get(refusal.code, set()).isdisjoint(actions):
                rest.append((refusal, actions))
        return rest


async def at_work(clinic: Clinic, category: str) -> str:
    """A doctor of the category with four slots a day."""
    made = await clinic.post("/doctors", {"name": "Dr Ada Osei", "code": f"dr-{uuid4().hex}", "category_id": category})
    doctor = str(made.json()["id"])
    assert (await clinic.put(f"/doctors/{doctor}/schedule", week("09:00", "10:00"))).status_code == 200
    return doctor


async def test_what_is_found_can_be_booked_or_was_lost_meanwhile(
    clinic: Clinic, superuser: Callable[..., Any], record_property: Callable[[str, object], None]
) -> None:
    """A slot that stays taken and a date that stays closed are there, too: who found them would be refused for no new reason."""
    category = str((await clinic.post("/categories", {"name": f"Search {uuid4().hex}"})).json()["id"])
    changed, taken, closed = [await at_work(clinic, category) for _ in range(3)]
    await clinic.booked(taken, await clinic.patient(), DATES[0])
    shut = await clinic.post(f"/doctors/{closed}/availability", {"date": DATES[0], "available": False})
    assert shut.status_code == 200, shut.text
    crowd, patients, done = (
        Crowd(clinic, await superuser("availability"), category),
        await clinic.patients(SEARCHERS),
        asyncio.Event(),
    )
    changing = asyncio.ensure_future(crowd.change(changed, done))
    try:
        await asyncio.gather(*(crowd.go(patient) for patient in patients))
    finally:  # a test that failed leaves nobody at work
        done.set()
        await changing
    record_property("slots that were found", dict(crowd.ends))
    assert await crowd.unexplained() == []
    assert crowd.ends["slot_taken"] and crowd.ends["booked"] and crowd.ends["pending"], crowd.ends
