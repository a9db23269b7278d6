"""A doctor's calendar over HTTP: booked by date at a time and a place, closed while bookings run, set by the clinic."""

import asyncio
import datetime as dt
from collections import Counter
from collections.abc import Callable
from zoneinfo import ZoneInfo

import httpx2

from tests.support.clinic import Clinic, in_days, problem_of, week
from tests.support.rounds import rounds

KATHMANDU = "Asia/Kathmandu"
BOOKINGS = 50
ROUNDS = rounds(5)
NOON = 12


async def test_a_booking_by_date_gets_the_next_time_at_its_place(clinic: Clinic) -> None:
    doctor = await clinic.doctor_at_place({"entries": []}, time_zone=KATHMANDU)
    [place], date, patient = doctor["locations"], in_days(3), await clinic.patient()
    hours = week("09:00", "10:00", slot_minutes=30, location_id=place["id"])
    assert (await clinic.put(f"/doctors/{doctor['id']}/schedule", hours)).status_code == 200
    first, second = await clinic.open_slots(doctor["id"], date)
    assert first["local_start"] == f"{date}T09:00:00+05:45" and first["starts_at"].startswith(f"{date}T03:15:00")
    booked = [await clinic.booked(doctor["id"], patient, date) for _ in range(2)]
    for one, slot in zip(booked, (first, second), strict=True):
        assert (one["slot_id"], one["location_id"], one["date"]) == (slot["id"], place["id"], date)
        assert (one["starts_at"], one["ends_at"]) == (slot["starts_at"], slot["ends_at"])
    assert problem_of(await clinic.book(doctor["id"], patient, date)) == (409, "full")
    day = (await clinic.get(f"/doctors/{doctor['id']}/availability", date=date)).json()
    assert (day["mode"], day["capacity"], day["remaining"]) == ("timed", 2, 0)
    assert (await clinic.cancel(booked[0]["id"])).status_code == 200
    assert [slot["id"] for slot in await clinic.open_slots(doctor["id"], date)] == [first["id"]]


async def test_nobody_is_with_two_doctors_at_a_time(clinic: Clinic) -> None:
    hours, date, patient = week("09:00", "09:30", slot_minutes=30), in_days(2), await clinic.patient()
    one, other = [(await clinic.doctor_at_place(hours))["id"] for _ in range(2)]
    answers = await asyncio.gather(*(clinic.book(doctor, patient, date) for doctor in (one, other)))
    assert sorted(answer.status_code for answer in answers) == [201, 409]
    assert problem_of(next(answer for answer in answers if answer.status_code == 409)) == (409, "patient_busy")
    free = [len(await clinic.open_slots(doctor, date)) for doctor in (one, other)]
    assert sorted(free) == [0, 1], "the place of the refused booking is free again"


def zone_where_it_is_morning() -> str:
    """Somewhere with hours of today to come, whatever time it is here."""
    hours = (dt.datetime.now(dt.UTC).hour - NOON // 2) % 24
    return f"Etc/GMT{hours:+d}" if hours <= NOON else f"Etc/GMT{hours - 24:+d}"


async def test_check_in_is_on_the_date_of_the_place(clinic: Clinic) -> None:
    zone = zone_where_it_is_morning()
    doctor = await clinic.doctor_at_place(week("00:00", "24:00", slot_minutes=60), time_zone=zone)
    today, patient = dt.datetime.now(ZoneInfo(zone)).date(), await clinic.patient()
    todays = await clinic.booked(doctor["id"], patient, today.isoformat())
    tomorrows = await clinic.booked(doctor["id"], patient, (today + dt.timedelta(days=1)).isoformat())
    assert problem_of(await clinic.check_in(tomorrows["id"], patient)) == (422, "not_today")
    arrived = await clinic.check_in(todays["id"], patient)
    assert (arrived.status_code, arrived.json()["position"], arrived.json()["date"]) == (201, 1, today.isoformat()), arrived.text


async def test_a_changed_week_tells_whom_it_leaves_without_hours(clinic: Clinic) -> None:
    doctor, date, patients = (await clinic.doctor_at_place(week("09:00", "10:00")))["id"], in_days(3), await clinic.patients(2)
    kept, left = [await clinic.booked(doctor, patient, date) for patient in patients]
    path = f"/doctors/{doctor}/schedule"
    read = (await clinic.get(path)).headers["ETag"]
    changed = await clinic.put(path, week("08:45", "09:15"), **{"If-Match": read})
    assert [one["id"] for one in changed.json()["displaced"]] == [left["id"]], changed.text
    assert problem_of(await clinic.put(path, week("09:00", "10:00"), **{"If-Match": read})) == (412, "stale")
    assert {(await clinic.appointment(one["id"]))["status"] for one in (kept, left)} == {"booked"}
    starts = {slot["local_start"][11:16] for slot in await clinic.open_slots(doctor, date)}
    assert starts == {"08:45"}
    assert (await clinic.cancel(left["id"])).status_code == 200
    assert {slot["local_start"][11:16] for slot in await clinic.open_slots(doctor, date)} == {"08:45"}


async def closed_while_bookings_run(clinic: Clinic, doctor: str) -> Counter[str]:
    """One round: fifty bookings for two dates, one of which is closed in the middle of them. How they ended."""
    closed, other, patients = in_days(2), in_days(3), await clinic.patients(BOOKINGS)
    dates = [closed if number % 5 else other for number in range(BOOKINGS)]
    running = [asyncio.ensure_future(clinic.book(doctor, *asked)) for asked in zip(patients, dates, strict=True)]
    await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
    path, body = f"/doctors/{doctor}/exceptions", {"kind": "closed", "from": closed, "to": closed, "reason": "ill"}
    made = await clinic.post(path, body)
    assert made.status_code == 201, made.text
    answers = await asyncio.gather(*running)
    booked = {str(one.json()["id"]) for one, date in zip(answers, dates, strict=True) if _is_booked(one) and date == closed}
    assert {one["id"] for one in made.json()["displaced"]} == booked, "who was told booked and is not in the list slipped in"
    assert {one["id"] for one in await clinic.live(doctor_id=doctor, date=closed)} == booked
    assert {one["status"] for one in made.json()["displaced"]} <= {"booked"}
    assert await clinic.open_slots(doctor, closed) == []
    again = (await clinic.get(f"{path}/{made.json()['id']}")).json()
    assert {one["id"] for one in again["displaced"]} == booked
    return Counter(_end(answer, date == closed) for answer, date in zip(answers, dates, strict=True))


def _is_booked(answer: httpx2.Response) -> bool:
    return answer.status_code == 201


def _end(answer: httpx2.Response, on_closed_date: bool) -> str:
    if _is_booked(answer):
        return "displaced" if on_closed_date else "on another date"
    assert problem_of(answer) in ((422, "doctor_absent"), (409, "full")), answer.text
    assert on_closed_date or answer.status_code == 409
    return str(answer.json()["code"])


async def test_a_date_closed_while_fifty_bookings_run(clinic: Clinic, record_property: Callable[[str, object], None]) -> None:
    ends = Counter[str]()
    for _ in range(ROUNDS):
        ends += await closed_while_bookings_run(clinic, (await clinic.doctor_at_place(week("00:00", "24:00")))["id"])
    ends += await closed_while_bookings_run(clinic, await clinic.doctor())
    record_property("closed while bookings run", dict(ends))
    assert ends.total() == (ROUNDS + 1) * BOOKINGS


async def test_what_is_displaced_leaves_nothing_behind_until_the_date_opens(clinic: Clinic) -> None:
    doctor, date, patient = (await clinic.doctor_at_place(week("09:00", "10:00")))["id"], in_days(2), await clinic.patient()
    booked = await clinic.booked(doctor, patient, date)
    made = await clinic.post(f"/doctors/{doctor}/exceptions", {"kind": "closed", "from": date, "to": date})
    assert (await clinic.cancel(booked["id"])).status_code == 200
    day = (await clinic.get(f"/doctors/{doctor}/availability", date=date)).json()
    assert (day["available"], day["capacity"], day["remaining"]) == (False, 0, 0)
    assert problem_of(await clinic.book(doctor, patient, date)) == (422, "doctor_absent")
    assert (await clinic.delete(f"/doctors/{doctor}/exceptions/{made.json()['id']}")).status_code == 204
    assert len(await clinic.open_slots(doctor, date)) == 4
    assert (await clinic.booked(doctor, patient, date))["starts_at"] == booked["starts_at"]
