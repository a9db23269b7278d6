"""Days over internal HTTP on a real Postgres: opened, closed, resized and read, also while bookings go on."""

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID, uuid4
from zoneinfo import ZoneInfo

import httpx2
import pytest

from shared.contracts import internal
from shared.contracts.availability import SlotReserved
from tests.integration.availability.availability import Availability, book, releases
from tests.support.dates import in_days


def path(doctor: UUID) -> str:
    return f"/internal/doctors/{doctor}/availability"


async def post(http: httpx2.AsyncClient, doctor: UUID, date: dt.date | None = None, key: object = None, **body: Any) -> Any:
    headers = {internal.COMMAND_ID: str(key)} if key else {}
    return await http.post(path(doctor), json={"date": (date or in_days(1)).isoformat(), **body}, headers=headers)


async def read(http: httpx2.AsyncClient, doctor: UUID, date: dt.date | None = None) -> tuple[bool, int, int]:
    date = date or in_days(1)
    answer = await http.get(path(doctor), params={"date": date.isoformat()})
    assert answer.status_code == 200, answer.text
    day = answer.json()
    assert (day["doctor_id"], day["date"], day["mode"]) == (str(doctor), date.isoformat(), "daily")
    return day["available"], day["capacity"], day["remaining"]


def code(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_day_is_made_once_and_changed_afterwards(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    assert (await post(http, doctor, capacity=4)).status_code == 201
    assert await read(http, doctor) == (True, 4, 4)
    assert (await post(http, doctor, capacity=6)).status_code == 200
    assert (await post(http, doctor, available=False)).json()["capacity"] == 6
    assert await read(http, doctor) == (False, 6, 0), "nothing remains for a booking"
    assert (await post(http, doctor)).json()["available"] is False, "what is left out stays"
    assert await service.rows("SELECT version FROM days") == [(4,)]
    assert service.locks.held == [f"{service.clinic}:{doctor}:{in_days(1)}"] * 4, (
        "each change holds the day's lock, no reading does"
    )


async def test_a_closed_day_tells_whom_it_displaces(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, key = await service.doctor(), uuid4()
    held = (await service.deliver(book(service.clinic, doctor), book(service.clinic, doctor))).of(SlotReserved)
    ids = [str(one.appointment_id) for one in held]
    assert (await post(http, doctor, capacity=4)).json()["displaced_ids"] == []
    closed = await post(http, doctor, key=key, available=False)
    assert (closed.status_code, closed.json()["displaced_ids"]) == (200, ids)
    await service.deliver(releases(held[0]))
    assert (await post(http, doctor)).json()["displaced_ids"] == ids[1:], "it is still closed"
    assert (await post(http, doctor, key=key, available=False)).content == closed.content
    assert (await post(http, doctor, available=True)).json()["displaced_ids"] == []


async def test_reading_makes_no_day(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    assert await read(http, doctor) == (True, 10, 10)
    for never in (in_days(-2), in_days(402)):
        assert await read(http, doctor, never) == (False, 10, 0), "a booking is told past_date and too_far"
    await service.settings(default_daily_capacity=0)
    assert await read(http, doctor) == (False, 0, 0)
    assert await service.rows("SELECT FROM days") == []
    assert code(await http.get(path(uuid4()), params={"date": in_days(1).isoformat()})) == (404, "unknown_doctor")
    assert (await http.get(path(doctor))).json()["errors"][0]["field"] == "date"


async def test_a_new_day_without_a_capacity_has_the_default_or_is_refused(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor, other = await service.doctor(), await service.doctor()
    await service.settings(default_daily_capacity=3)
    assert (await post(http, doctor, available=False)).json()["capacity"] == 3
    await service.settings(2, default_daily_capacity=0)
    refused = await post(http, other, available=True)
    assert code(refused) == (422, "validation_failed") and refused.json()["errors"][0]["field"] == "capacity"
    assert (await post(http, other, capacity=2)).status_code == 201
    assert (await post(http, other, available=True)).status_code == 200


async def test_lowering_removes_the_highest_free_and_stops_at_what_is_taken(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(9)))).of(SlotReserved)
    await service.deliver(*(releases(one) for one in held if one.slot_number in (3, 5, 6)))
    assert (await post(http, doctor, capacity=7)).json()["remaining"] == 1
    assert await service.numbers(doctor, "free") == [3]
    assert await service.numbers(doctor, "taken") == [1, 2, 4, 7, 8, 9]
    assert code(await post(http, doctor, capacity=5)) == (409, "below_taken")
    assert (await post(http, doctor, capacity=6)).json()["remaining"] == 0
    assert (await post(http, doctor, capacity=8)).json()["remaining"] == 2
    assert await service.numbers(doctor, "free") == [3, 5]
    await service.deliver(*(releases(one) for one in held if one.slot_number in (8, 9)))
    assert await service.numbers(doctor, "free") == [3, 5, 6, 8]
    assert await read(http, doctor) == (True, 8, 4)


async def test_closing_keeps_slots_and_bookings(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    assert (await post(http, doctor, available=False)).status_code == 200
    assert await read(http, doctor) == (False, 10, 0)
    assert (await post(http, doctor, available=True)).json()["remaining"] == 9


async def test_a_timed_day_has_no_capacity_to_set(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await post(http, doctor)
    await service.execute("UPDATE days SET mode = 'timed' WHERE doctor_id = $1", doctor)
    assert code(await post(http, doctor, capacity=5)) == (409, "timed_day")
    assert (await post(http, doctor, available=False)).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"date"}),
        ({"date": "tomorrow", "capacity": 11}, {"date", "capacity"}),
        ({"date": "2026-02-30", "capacity": 0, "colour": 1}, {"date", "capacity", "colour"}),
        ({"date": 5, "capacity": "3", "available": "yes"}, {"date", "capacity", "available"}),
        ({"date": in_days(1).isoformat(), "capacity": 10**30}, {"capacity"}),
        ([], {"body"}),
    ],
)
async def test_every_bad_field_is_named(service: Availability, http: httpx2.AsyncClient, body: Any, fields: set[str]) -> None:
    refused = await http.post(path(await service.doctor()), json=body)
    assert code(refused) == (422, "validation_failed")
    assert {error["field"] for error in refused.json()["errors"]} == fields


async def test_the_clinic_says_how_large_a_day_may_be(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(max_daily_capacity=12)
    doctor = await service.doctor()
    assert (await post(http, doctor, capacity=12)).json()["remaining"] == 12
    assert (await post(http, doctor, capacity=13)).json()["errors"] == [{"field": "capacity", "reason": "must be 12 or less"}]


@pytest.mark.parametrize(("days", "expected"), [(-1, "past_date"), (401, "too_far")])
async def test_a_day_that_cannot_be_booked_cannot_be_set(
    service: Availability, http: httpx2.AsyncClient, days: int, expected: str
) -> None:
    answer = await post(http, await service.doctor(), in_days(days), capacity=3)
    assert code(answer) == (422, expected)
    assert await service.rows("SELECT FROM days") == []


async def test_strangers_and_deleted_doctors_are_unknown(service: Availability, http: httpx2.AsyncClient) -> None:
    for doctor in (uuid4(), await service.doctor("deleted"), await service.doctor(clinic=uuid4())):
        assert code(await post(http, doctor, capacity=3)) == (404, "unknown_doctor")


async def test_a_key_is_answered_with_what_it_was_answered_first(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, other, key = await service.doctor(), await service.doctor(), uuid4()
    answers = await asyncio.gather(*(post(http, doctor, key=key, capacity=4) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {201}
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [""] + ["true"] * 19
    await post(http, doctor, capacity=7)
    await service.deliver(book(service.clinic, doctor))
    assert (await post(http, doctor, key=key, capacity=4)).json() == answers[0].json()
    assert code(await post(http, doctor, key=key, capacity=5)) == (422, "key_reused")
    assert code(await post(http, other, key=key, capacity=4)) == (422, "key_reused")
    assert await service.rows("SELECT FROM days WHERE doctor_id = $1", other) == []


async def test_a_day_made_by_many_at_once_is_made_by_one(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    setting = [post(http, doctor, capacity=4) for _ in range(10)]
    answers, said = await asyncio.gather(asyncio.gather(*setting), service.deliver(book(service.clinic, doctor)))
    assert [answer.status_code for answer in answers].count(201) <= 1
    assert said.numbers == [1]
    assert await read(http, doctor) == (True, 4, 3)


async def test_lowering_never_removes_what_a_booking_takes(service: Availability, http: httpx2.AsyncClient) -> None:
    """Five taken and a capacity of five, or six taken and a refusal: whoever is first, slots and bookings agree."""
    for _ in range(20):
        doctor = await service.doctor()
        await service.deliver(*(book(service.clinic, doctor) for _ in range(5)))
        answer, said = await asyncio.gather(post(http, doctor, capacity=5), service.deliver(book(service.clinic, doctor)))
        taken = len(await service.numbers(doctor, "taken"))
        assert (answer.status_code, taken, len(said.numbers)) in ((200, 5, 0), (409, 6, 1))


async def place(service: Availability, doctor: UUID, zone: str | None, *, removed: bool = False) -> None:
    """Gives a doctor one more location."""
    add = (
        "INSERT INTO locations (clinic_id, id, doctor_id, place, address, time_zone, removed)"
        " SELECT $1, $2, $3, count(*), '\"1 High Street\"', $4, $5 FROM locations WHERE doctor_id = $3"
    )
    await service.execute(add, service.clinic, uuid4(), doctor, zone, removed)


async def zone_of_new_day(service: Availability, doctor: UUID) -> str:
    await service.deliver(book(service.clinic, doctor, in_days(2)))
    [(zone,)] = await service.rows("SELECT time_zone FROM days WHERE doctor_id = $1", doctor)
    return str(zone)


async def test_a_new_day_is_that_of_the_only_location(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(time_zone="Asia/Kathmandu")
    none, one, without_zone, several = [await service.doctor() for _ in range(4)]
    await place(service, one, "Pacific/Honolulu")
    await place(service, one, "Asia/Tokyo", removed=True)
    await place(service, without_zone, None)
    for zone in ("Pacific/Honolulu", "Asia/Tokyo"):
        await place(service, several, zone)
    zones = [await zone_of_new_day(service, doctor) for doctor in (none, one, without_zone, several)]
    assert zones == ["Asia/Kathmandu", "Pacific/Honolulu", "Asia/Kathmandu", "Asia/Kathmandu"]


async def test_today_is_the_day_that_is_today_where_it_takes_place(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, now = await service.doctor(), dt.datetime.now(dt.UTC)
    for zone in ("Etc/GMT+12", "Pacific/Kiritimati"):
        await place(service, doctor, zone)
    assert (await http.get(f"/internal/doctors/{doctor}/today")).json() == {"doctor_id": str(doctor), "date": str(now.date())}
    there = now.astimezone(ZoneInfo("Etc/GMT+12")).date()
    day = "INSERT INTO days (clinic_id, doctor_id, date, mode, available, time_zone) VALUES ($1, $2, $3, 'timed', true, $4)"
    await service.execute(day, service.clinic, doctor, there, "Etc/GMT+12")
    assert (await http.get(f"/internal/doctors/{doctor}/today")).json()["date"] == str(there)
    assert code(await http.get(f"/internal/doctors/{uuid4()}/today")) == (404, "unknown_doctor")
