"""A hold is confirmed at the moment at which its time is over: it is booked for good or expired for good, and never both.

The rounds aim at the deadline: who comes too late makes the next ones come sooner, and the other way round.
"""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from tests.model.audit import audit
from tests.soak.conftest import Tell
from tests.soak.grid import some_slots, timed_doctor
from tests.support.clinic import Clinic, problem_of
from tests.support.waiting import eventually

AT_ONCE = 50
IN_A_LINE = 5
"""Of so many rounds one behind the other the last ones have an aim, also where there are few in all."""
TTL_SECONDS = 1
STEP_SECONDS = 0.004
ASK_AGAIN_SECONDS = 0.2
"""Who waits for a place asks seldom: the crowd of them would keep the sweep from the machine that it is to be seen on."""
FIRST_LEAD_SECONDS = 0.1
ENDS = {200: ("booked", ["held", "confirmed"]), 409: ("expired", ["held", "expired"])}
"""Status and history of a hold whose confirmation was answered so."""


@dataclass
class Aim:
    """So long before the end of a hold its confirmation is sent."""

    lead_seconds: float = FIRST_LEAD_SECONDS
    back_after_seconds: list[float] = field(default_factory=list)
    """How long after the end of each hold that expired somebody else had its place."""

    def correct(self, status: int) -> None:
        """Later, if it came in time; sooner, if it did not."""
        self.lead_seconds += -STEP_SECONDS if status == 200 else STEP_SECONDS

    def told(self) -> str:
        """How soon places were back, with the booking that shows it and the pause before it."""
        after = sorted(self.back_after_seconds) or [0.0]
        return f"within {after[-1]:.2f} s, half of them within {after[len(after) // 2]:.2f} s"


@dataclass(frozen=True)
class Played:
    """A round: the hold, and how its confirmation was answered."""

    appointment: str
    slot: str
    status: int


async def hold(clinic: Clinic, patient: str, slot: str) -> dict[str, Any]:
    """A place that is held."""
    held = await clinic.post("/appointments", {"patient_id": patient, "slot_id": slot, "confirm": False})
    assert held.status_code == 201, held.text
    return dict(held.json())


async def play(clinic: Clinic, patient: str, other: str, slot: str, aim: Aim) -> Played:
    """One round. Where the hold expired, `other` gets its place."""
    held = await hold(clinic, patient, slot)
    ends_at = _instant(held["expires_at"])
    await asyncio.sleep(_seconds_until(ends_at) - aim.lead_seconds)
    answer = await clinic.post(f"/appointments/{held['id']}/confirm")
    aim.correct(answer.status_code)
    if answer.status_code == 409:
        assert problem_of(answer) == (409, "expired")
        await eventually(lambda: _gets(clinic, other, slot))
        aim.back_after_seconds.append(-_seconds_until(ends_at))
    else:
        assert (answer.status_code, answer.json()["status"]) == (200, "booked"), answer.text
    return Played(held["id"], slot, answer.status_code)


async def play_all(clinic: Clinic, slots: Iterator[str], aim: Aim) -> list[Played]:
    """Rounds one after the other, as long as there are slots."""
    patient, other = await clinic.patients(2)
    return [await play(clinic, patient, other, slot, aim) for slot in slots]


async def judge(clinic: Clinic, one: Played, stranger: str) -> None:
    """What was answered is so for good, however long ago the end of the hold is."""
    status, events = ENDS[one.status]
    assert (await clinic.get(f"/appointments/{one.appointment}")).json()["status"] == status
    history = (await clinic.get(f"/appointments/{one.appointment}/history")).json()["items"]
    assert [change["event"] for change in history] == events
    again = await clinic.post(f"/appointments/{one.appointment}/confirm")
    assert again.status_code == one.status, again.text
    taken = await clinic.post("/appointments", {"patient_id": stranger, "slot_id": one.slot})
    assert problem_of(taken) == (409, "slot_taken"), "a booked place, or one that somebody else has by now"


async def test_a_hold_is_confirmed_or_expires(clinic: Clinic, rounds: int, figures: Tell, superuser: Callable[..., Any]) -> None:
    doctor, aim, side_by_side = await timed_doctor(clinic), Aim(), max(1, min(AT_ONCE, rounds // IN_A_LINE))
    slots = iter(await some_slots(clinic, doctor, rounds))
    probe = await clinic.timed_doctor()
    async with clinic.settings(hold_ttl_seconds=TTL_SECONDS):
        await eventually(lambda: clinic.holds_for(probe, TTL_SECONDS))
        lines = await asyncio.gather(*(play_all(clinic, slots, aim) for _ in range(side_by_side)))
    played = [one for line in lines for one in line]
    ends = Counter(ENDS[one.status][0] for one in played)
    figures(f"{rounds} rounds, {side_by_side} side by side: {dict(ends)}; a lapsed place was booked again {aim.told()}")
    assert len(played) == rounds
    stranger, judging = await clinic.patient(), asyncio.Semaphore(AT_ONCE)

    async def judged(one: Played) -> None:
        async with judging:
            await judge(clinic, one, stranger)

    await asyncio.gather(*map(judged, played))
    assert await audit(await superuser("availability"), await superuser("booking"), [doctor]) == []


async def _gets(clinic: Clinic, patient: str, slot: str) -> bool:
    """Whether somebody gets a place; if not, it is not back yet."""
    answer = await clinic.post("/appointments", {"patient_id": patient, "slot_id": slot})
    if answer.status_code == 201:
        return True
    assert problem_of(answer) == (409, "slot_taken"), answer.text
    await asyncio.sleep(ASK_AGAIN_SECONDS)
    return False


def _instant(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text)


def _seconds_until(instant: dt.datetime) -> float:
    """By this machine's clock, which is that of the database as well."""
    return (instant - dt.datetime.now(dt.UTC)).total_seconds()
