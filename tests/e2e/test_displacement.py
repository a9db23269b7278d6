"""Displaced appointments are moved by one call: each ends moved, in a place of its own, or listed with why it stays."""

import asyncio
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from deploy.embedded.services import Services
from tests.support.clinic import Clinic, bad_fields, in_days, problem_of, today, week
from tests.support.waiting import eventually

PLACES = 20
BOOKINGS = 50
RECOVERY_SECONDS = 60


async def displace(clinic: Clinic, doctor: str, key: str | None = None, wait: str = "wait=30", **asked: Any) -> httpx2.Response:
    """Asks to move what is displaced from tomorrow on, to later places of the doctor unless something else is said."""
    body = {"from": in_days(1), "to": in_days(30), "policy": "same_doctor", **asked}
    return await clinic.post(f"/doctors/{doctor}/displace", body, key, Prefer=wait)


async def displaced(clinic: Clinic, doctor: str, **asked: Any) -> dict[str, Any]:
    """What became of it, once all is settled."""
    answer = await displace(clinic, doctor, **asked)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def close(clinic: Clinic, doctor: str, first: str | None = None, last: str | None = None) -> dict[str, Any]:
    """The doctor is away on these dates; tomorrow, if none is named."""
    first = first or in_days(1)
    made = await clinic.post(f"/doctors/{doctor}/exceptions", {"kind": "closed", "from": first, "to": last or first})
    assert made.status_code == 201, made.text
    return dict(made.json())


def short(steps: list[dict[str, Any]], place: str = "to") -> list[tuple[str, str]]:
    """Appointment and place of each."""
    return [(step["appointment_id"], step[place]["slot_id"]) for step in steps]


async def test_a_closed_day_moves_to_the_next_open_times(clinic: Clinic) -> None:
    doctor, patients = (await clinic.doctor_at_place(week("09:00", "09:30")))["id"], await clinic.patients(3)
    booked = [
        await clinic.booked(doctor, patient, day)
        for patient, day in zip(patients, (in_days(1), in_days(1), in_days(2)), strict=True)
    ]
    assert len((await close(clinic, doctor))["displaced"]) == 2
    [left] = await clinic.open_slots(doctor, in_days(2))
    first_later, _ = await clinic.open_slots(doctor, in_days(3))
    dry, key = await displaced(clinic, doctor, dry_run=True), uuid4().hex
    assert {one["status"] for one in await clinic.appointments(doctor_id=doctor)} == {"booked"}
    assert len(await clinic.open_slots(doctor, in_days(2), in_days(3))) == 3
    answer = await displace(clinic, doctor, key)
    told = answer.json()
    assert (answer.status_code, told["moving"], told["not_moved"], told["left"]) == (200, [], [], 0), answer.text
    assert short(told["moved"]) == short(dry["moved"]) == [(booked[0]["id"], left["id"]), (booked[1]["id"], first_later["id"])]
    assert short(told["moved"], "from") == [(one["id"], one["slot_id"]) for one in booked[:2]]
    for one, patient in zip(told["moved"], patients, strict=False):
        view = await clinic.appointment(one["appointment_id"])
        assert (view["status"], view["version"], view["patient_id"]) == ("booked", 2, patient)
        assert {name: view[name] for name in one["to"]} == one["to"]
        command = (await clinic.get(f"/commands/{one['command_id']}")).json()
        assert (command["type"], command["status_code"], command["result"]) == ("RescheduleAppointment", 200, view)
    again = await displace(clinic, doctor, key)
    assert (again.text, again.headers["Idempotent-Replayed"]) == (answer.text, "true")
    assert problem_of(await displace(clinic, doctor, key, to=in_days(1))) == (422, "key_reused")
    assert await displaced(clinic, doctor) == {"moved": [], "moving": [], "not_moved": [], "left": 0}
    day = (await clinic.get(f"/doctors/{doctor}/availability", date=in_days(1))).json()
    assert (day["capacity"], day["remaining"]) == (0, 0), "the old places went with their rule"


async def test_a_closed_day_of_numbers_moves_to_the_next_days(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(capacity=3), await clinic.patients(3)
    assert (await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(2), "capacity": 1})).status_code == 201
    booked = [await clinic.booked(doctor, patient) for patient in patients]
    shut = await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "available": False})
    assert [one["id"] for one in shut.json()["displaced"]] == [one["id"] for one in booked]
    told = await displaced(clinic, doctor)
    assert [(one["to"]["date"], one["to"]["slot"]) for one in told["moved"]] == [
        (in_days(2), 1),
        (in_days(3), 1),
        (in_days(3), 2),
    ]
    assert [await clinic.remaining(doctor, in_days(days)) for days in (1, 2, 3)] == [0, 0, 8], "of a closed day nothing is open"
    assert (await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1)})).json()["displaced"] == []


async def test_who_is_busy_then_stays_and_is_told_why(clinic: Clinic) -> None:
    hours, day = week("09:00", "09:15"), in_days(2)
    doctor, other = [(await clinic.doctor_at_place(hours))["id"] for _ in range(2)]
    busy, somebody = await clinic.patients(2)
    booked, _ = await clinic.booked(doctor, busy, in_days(1)), await clinic.booked(other, busy, day)
    await close(clinic, doctor)
    told = await displaced(clinic, doctor)
    assert told["moved"] == []
    [stays] = told["not_moved"]
    assert (stays["appointment_id"], stays["code"], stays["from"]["slot_id"]) == (booked["id"], "patient_busy", booked["slot_id"])
    assert await clinic.appointment(booked["id"]) == booked
    assert (await clinic.booked(doctor, somebody, day))["date"] == day, "the place is free again"
    assert [one["to"]["date"] for one in (await displaced(clinic, doctor))["moved"]] == [in_days(3)], (
        "another call, another place"
    )


async def test_a_colleague_takes_them_on_their_date_at_the_soonest(clinic: Clinic) -> None:
    name = uuid4().hex
    category = (await clinic.post("/categories", {"name": name})).json()["id"]
    doctor, colleague, stranger = [(await clinic.doctor_at_place(week("23:45", "24:00")))["id"] for _ in range(3)]
    assert bad_fields(await displace(clinic, doctor, policy="same_category")) == {"policy"}
    for one in (doctor, colleague):
        assert (await clinic.patch(f"/doctors/{one}", {"category_id": category})).status_code == 200
    [patient] = await clinic.patients(1)
    booked = await clinic.booked(doctor, patient, in_days(20))
    await close(clinic, doctor, in_days(20))
    sooner = await displaced(clinic, doctor, policy="same_category", not_before=in_days(2), dry_run=True)
    assert [one["to"]["date"] for one in sooner["moved"]] == [in_days(2)], "for who asks for it"
    [moved] = (await displaced(clinic, doctor, policy="same_category"))["moved"]
    assert moved["to"]["doctor_id"] == colleague != stranger and moved["to"]["date"] == in_days(20)
    assert [one["id"] for one in await clinic.live(doctor_id=colleague)] == [booked["id"]]
    assert await clinic.live(doctor_id=doctor) == []


async def test_who_has_checked_in_is_not_sent_away(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(), await clinic.patients(2)
    here, coming = [await clinic.booked(doctor, patient, today()) for patient in patients]
    assert (await clinic.check_in(here["id"], patients[0])).status_code == 201
    await clinic.post(f"/doctors/{doctor}/availability", {"date": today(), "available": False})
    told = await displaced(clinic, doctor, **{"from": today()})
    assert [one["appointment_id"] for one in told["moved"]] == [coming["id"]] and told["not_moved"] == []
    assert (await clinic.appointment(here["id"]))["status"] == "checked_in"


async def test_strangers_and_dates_that_are_none_are_refused(clinic: Clinic) -> None:
    assert problem_of(await displace(clinic, str(uuid4()))) == (404, "unknown_doctor")
    doctor = await clinic.doctor()
    assert bad_fields(await displace(clinic, doctor, to=today())) == {"to"}
    assert bad_fields(await displace(clinic, doctor, to=in_days(63))) == {"to"}
    assert bad_fields(await displace(clinic, doctor, policy="any", dry_run=1)) == {"policy", "dry_run"}
    assert (await clinic.delete(f"/doctors/{doctor}")).status_code == 204
    assert problem_of(await displace(clinic, doctor)) == (404, "unknown_doctor")


async def full_day(clinic: Clinic) -> tuple[str, list[dict[str, Any]]]:
    """A doctor whose tomorrow is full, and then closed."""
    doctor = (await clinic.doctor_at_place(week("09:00", "14:00")))["id"]
    patients = await clinic.patients(PLACES)
    booked = await asyncio.gather(*(clinic.booked(doctor, patient, in_days(1)) for patient in patients))
    await close(clinic, doctor)
    return doctor, booked


async def none_is_lost(clinic: Clinic, doctor: str, booked: list[dict[str, Any]], told: dict[str, Any], rivals: int = 0) -> None:
    """Each is moved or listed, has one place and shares it with nobody; and availability holds exactly these."""
    ended = [one["appointment_id"] for one in told["moved"] + told["not_moved"]]
    assert Counter(ended) == Counter(one["id"] for one in booked) and told["moving"] == []
    live = await clinic.live(doctor_id=doctor)
    assert len(live) == len({one["slot_id"] for one in live}) == PLACES + rivals
    places = {one["id"]: one["slot_id"] for one in live}
    assert {(id_, places[id_]) for id_, _ in short(told["moved"])} == set(short(told["moved"]))
    assert not {one["slot_id"] for one in live} & {one["id"] for one in await clinic.open_slots(doctor, in_days(1), in_days(10))}


async def until_settled(clinic: Clinic, doctor: str, key: str) -> dict[str, Any]:
    """The same key again, until it tells the end."""
    ends: list[dict[str, Any]] = []

    async def ended() -> bool:
        answer = await displace(clinic, doctor, key)
        assert answer.status_code in (200, 202, 503), answer.text
        ends.extend([answer.json()] if answer.status_code == 200 else [])
        return bool(ends)

    await eventually(ended, within_seconds=RECOVERY_SECONDS)
    return ends[0]


async def test_a_full_day_moves_beside_fifty_bookings(clinic: Clinic, record_property: Callable[[str, object], None]) -> None:
    doctor, booked = await full_day(clinic)
    patients, key = await clinic.patients(BOOKINGS), uuid4().hex
    booking = [clinic.book(doctor, patient, in_days(2 + number % 3)) for number, patient in enumerate(patients)]
    answer, *others = await asyncio.gather(displace(clinic, doctor, key), *booking)
    ends = Counter(other.status_code for other in others)
    record_property("bookings beside a displacement", dict(ends))
    assert ends.keys() <= {201, 409} and answer.status_code in (200, 202), answer.text
    told = await until_settled(clinic, doctor, key)
    assert len(told["moved"]) == PLACES
    await none_is_lost(clinic, doctor, booked, told, rivals=ends[201])


async def some_moved(clinic: Clinic, doctor: str, key: str, count: int) -> bool:
    """Whether so many of a running displacement are moved."""
    return len((await displace(clinic, doctor, key, "wait=0")).json()["moved"]) >= count


@pytest.mark.slow
@pytest.mark.parametrize("moved_before", [0, 1])
async def test_a_crash_of_booking_in_the_middle_loses_nobody(
    clinic: Clinic, stack: Services, superuser: Callable[..., Any], moved_before: int
) -> None:
    """Killed when all places are taken and nothing is decided, or as soon as somebody is moved; then started again."""
    doctor, booked = await full_day(clinic)
    sql, key = await superuser("booking"), uuid4().hex
    last = booked[-1]["patient_id"]
    async with sql.transaction():
        if not moved_before:
            await sql.execute("SELECT FROM patients WHERE id = $1::text::uuid FOR UPDATE", last)
        running = await displace(clinic, doctor, key, "respond-async")
        assert running.status_code == 202 or moved_before, running.text
        await eventually(lambda: some_moved(clinic, doctor, key, moved_before))
        await asyncio.to_thread(stack["booking"].process.kill)
    await asyncio.to_thread(stack["booking"].start)
    told = await until_settled(clinic, doctor, key)
    assert len(told["moved"]) == PLACES, told["not_moved"]
    await none_is_lost(clinic, doctor, booked, told)
