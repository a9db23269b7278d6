"""The registry under races: one person registered many times over, patients deleted and merged beside bookings, stale changes."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.support.clinic import Clinic, in_days, problem_of, today
from tests.support.waiting import eventually

ROUNDS = 50
MOST_READS = 8
AT_ONCE = 5
"""Rounds side by side: days of a doctor have ten places."""
BOOKED, REFUSED, GONE = "booked and cancelled", "refused", "known to be gone"


def person() -> dict[str, str]:
    return {"name": f"Maya Lind {uuid4().hex[:8]}", "phone": "+44 7700 900123", "date_of_birth": "1981-02-03"}


@pytest.mark.parametrize("keys", [50, 25], ids=["a key each", "each key twice"])
async def test_fifty_registrations_of_one_person_are_one_patient(clinic: Clinic, keys: int) -> None:
    who, names = person(), [uuid4().hex for _ in range(keys)]
    calls = [_registered(clinic, who, key) for key in itertools.islice(itertools.cycle(names), 50)]
    answers = await asyncio.gather(*calls)
    assert len({answer.json()["id"] for answer in answers}) == 1
    made = Counter(answer.status_code for answer in answers)
    assert made.keys() == {200, 201} and 1 <= made[201] <= 50 // keys, made
    page = (await clinic.get("/patients", name=who["name"])).json()
    assert [one["id"] for one in page["items"]] == [answers[0].json()["id"]]


async def _registered(clinic: Clinic, who: dict[str, str], key: str) -> httpx2.Response:
    """The answer to a client that repeats with its key what is refused for the moment, as the refusal says."""

    async def answered() -> httpx2.Response:
        answer = await clinic.post("/patients?on_duplicate=create", who, key)
        if answer.status_code == httpx2.codes.SERVICE_UNAVAILABLE:
            assert answer.headers["Idempotency-Key"] == key, "told to come again, as another call"
            raise AssertionError(f"told to come again in {answer.headers['Retry-After']} s")
        return answer

    return await eventually(answered)


async def deleted_beside_a_booking(clinic: Clinic, doctor: str, number: int) -> str:
    """One round. So many reads pass before the deletion that it meets the booking elsewhere than in the last one."""
    patient, key, date = await clinic.patient(), uuid4().hex, in_days(1 + number % 5)
    booking = clinic.book(doctor, patient, date, key)
    booked, removed = await asyncio.gather(booking, _deleted_behind(clinic, patient, number % MOST_READS))
    assert removed.status_code == 204, removed.text
    return await _judged(clinic, patient, booked)


async def _deleted_behind(clinic: Clinic, patient: str, reads: int) -> httpx2.Response:
    for _ in range(reads):
        await clinic.get(f"/patients/{patient}")
    return await clinic.delete(f"/patients/{patient}", cancel_appointments=True)


async def _judged(clinic: Clinic, patient: str, booked: httpx2.Response) -> str:
    """The patient has nothing that lives, whatever the client was told, and its command has an end."""
    assert await clinic.live(patient_id=patient) == []
    assert (await clinic.get(f"/patients/{patient}")).json()["status"] == "deleted"
    if booked.status_code == 201:
        assert (await clinic.appointment(booked.json()["id"]))["status"] == "cancelled"
        return BOOKED
    assert problem_of(booked) == (404, "unknown_patient")
    return await eventually(lambda: _ended(clinic, booked.headers["Command-Id"]))


async def _ended(clinic: Clinic, command: str) -> str:
    """How a command ended; one that was told of before it was decided ends the same way."""
    look = await clinic.get(f"/commands/{command}")
    if look.status_code == 404:
        return GONE
    assert (look.json()["status"], look.json()["status_code"]) == ("refused", 404), look.text
    return REFUSED


async def test_fifty_patients_deleted_beside_their_bookings(
    clinic: Clinic, record_property: Callable[[str, object], None]
) -> None:
    doctor, places, ends = await clinic.doctor(), asyncio.Semaphore(AT_ONCE), Counter[str]()

    async def play(number: int) -> None:
        async with places:
            ends[await deleted_beside_a_booking(clinic, doctor, number)] += 1

    await asyncio.gather(*map(play, range(ROUNDS)))
    record_property("deletions beside bookings", dict(ends))
    assert ends.total() == ROUNDS
    for day in range(1, 6):
        await eventually(lambda day=day: _is_free(clinic, doctor, in_days(day)))  # type: ignore[misc]


async def _is_free(clinic: Clinic, doctor: str, date: str) -> bool:
    """Whether every place of a day was given back."""
    day = (await clinic.get(f"/doctors/{doctor}/availability", date=date)).json()
    return bool(day["remaining"] == day["capacity"])


async def test_a_patient_with_appointments_is_deleted_with_them_only(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    booked = [await clinic.booked(doctor, patient, in_days(day)) for day in (0, 1)]
    refused = await clinic.delete(f"/patients/{patient}")
    assert problem_of(refused) == (409, "has_appointments")
    assert set(refused.json()["appointments"]) == {one["id"] for one in booked}
    assert (await clinic.check_in(booked[0]["id"], patient)).status_code == 201
    held = await clinic.delete(f"/patients/{patient}", cancel_appointments=True)
    assert problem_of(held) == (409, "checked_in") and held.json()["appointments"] == [booked[0]["id"]]
    assert len(await clinic.live(patient_id=patient)) == 2


async def test_a_merge_beside_bookings_and_check_ins_loses_nothing(clinic: Clinic) -> None:
    for _ in range(10):
        doctor, survivor, double = await clinic.doctor(), await clinic.patient(), await clinic.patient()
        here = await clinic.booked(doctor, double, today())
        bookings = [clinic.book(doctor, who, in_days(day)) for day in range(1, 4) for who in (survivor, double)]
        merge = clinic.post(f"/patients/{double}/merge", {"into": survivor})
        merged, arrived, *booked = await asyncio.gather(merge, clinic.check_in(here["id"], double), *bookings)
        assert (merged.status_code, merged.json()["id"]) == (200, survivor), merged.text
        assert [answer.status_code for answer in (arrived, *booked)] == [201] * 7, arrived.text
        live = await clinic.live(patient_id=survivor)
        assert {one["id"] for one in live} == {here["id"], *(answer.json()["id"] for answer in booked)}
        assert {one["patient_id"] for one in live} == {survivor}
        assert await clinic.live(patient_id=double) == live, "the old id means the survivor"
        await eventually(lambda doctor=doctor, survivor=survivor: _waits(clinic, doctor, survivor))  # type: ignore[misc]


async def _waits(clinic: Clinic, doctor: str, patient: str) -> bool:
    """Whether the queue knows the one who came by the id that is left."""
    queue = (await clinic.get(f"/checkins/doctors/{doctor}/queue", date=today())).json()
    return [one["patient_id"] for one in queue["items"]] == [patient]


def if_match(version: str) -> Any:
    """The header by which a client says what it has read."""
    return {"If-Match": version}


STALE: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/patients": ({"name": "Maya Lind"}, {"name": "Maya Lind-Osei"}),
    "/doctors": ({"name": "Dr Ada Osei"}, {"name": "Dr Ada Lind"}),
    "/categories": ({}, {}),
}
"""What is made, and how it is changed."""


@pytest.mark.parametrize("path", STALE)
async def test_who_has_not_read_the_last_change_changes_nothing(clinic: Clinic, path: str) -> None:
    made, change = STALE[path]
    unique = {"/patients": {"phone": f"+4477{uuid4().int % 10**8:08d}"}, "/doctors": {"code": f"dr-{uuid4().hex}"}}
    name = {"name": f"Specialty {uuid4().hex}"}
    first = await clinic.post(path, {**(made or name), **unique.get(path, {})})
    assert first.status_code == 201, first.text
    one, read = f"{path}/{first.json()['id']}", first.headers["ETag"]
    changes = [clinic.patch(one, change or {"name": f"Specialty {uuid4().hex} {n}"}, **if_match(read)) for n in range(2)]
    answers = await asyncio.gather(*changes)
    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert problem_of(next(answer for answer in answers if answer.status_code == 412)) == (412, "stale")
    now = (await clinic.get(one)).headers["ETag"]
    assert (await clinic.delete(one, **if_match(read))).status_code == 412
    assert (await clinic.delete(one, **if_match(now))).status_code == 204
