"""Closed dates and extra hours over internal HTTP on a real Postgres, also while bookings go on."""

import asyncio
import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts import internal
from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, book, every_day, releases
from tests.support.dates import in_days


def path(doctor: UUID, exception: object = "") -> str:
    return f"/internal/doctors/{doctor}/exceptions" + (f"/{exception}" if exception else "")


def closed(first: dt.date | None = None, last: dt.date | None = None, **fields: Any) -> dict[str, Any]:
    return {"kind": "closed", "from": str(first or in_days(1)), "to": str(last or in_days(1)), **fields}


def extra(date: dt.date | None = None, start: str = "09:00", end: str = "10:00", **fields: Any) -> dict[str, Any]:
    return {"kind": "extra", "date": str(date or in_days(1)), "start": start, "end": end, **fields}


async def post(http: httpx2.AsyncClient, doctor: UUID, body: dict[str, Any], key: object = None, **query: Any) -> Any:
    headers = {internal.COMMAND_ID: str(key)} if key else {}
    return await http.post(path(doctor), json=body, headers=headers, params=query)


async def schedule(http: httpx2.AsyncClient, doctor: UUID, start: str = "09:00", end: str = "10:00") -> None:
    answer = await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": every_day(start, end)})
    assert answer.status_code == 200, answer.text


async def read_day(http: httpx2.AsyncClient, doctor: UUID, date: dt.date | None = None) -> tuple[str, bool, int, int]:
    day = (await http.get(f"/internal/doctors/{doctor}/availability", params={"date": str(date or in_days(1))})).json()
    return day["mode"], day["available"], day["capacity"], day["remaining"]


async def test_a_closed_timed_date_keeps_what_is_taken_and_opens_again(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor)
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(2)))).of(SlotReserved)
    answer = await post(http, doctor, closed(reason="ill"))
    made = answer.json()
    assert answer.status_code == 201 and made["displaced_ids"] == [str(one.appointment_id) for one in held]
    assert (made["kind"], made["from"], made["to"], made["reason"]) == ("closed", str(in_days(1)), str(in_days(1)), "ill")
    assert await read_day(http, doctor) == ("timed", False, 2, 0)
    said = await service.deliver(book(service.clinic, doctor), book(service.clinic, doctor, in_days(2)))
    assert said.refusals == [Code.DOCTOR_ABSENT] and len(said.numbers) == 1
    await service.deliver(releases(held[0]))
    assert (await http.get(path(doctor, made["id"]))).json() == {**made, "displaced_ids": [str(held[1].appointment_id)]}
    assert (await http.delete(path(doctor, made["id"]))).status_code == 204
    assert await read_day(http, doctor) == ("timed", True, 4, 3)
    assert (await http.get(path(doctor, made["id"]))).json()["code"] == Code.UNKNOWN_EXCEPTION
    assert (await http.delete(path(doctor, made["id"]))).json()["code"] == Code.UNKNOWN_EXCEPTION
    assert [row[0] for row in await service.rows("SELECT action FROM audit ORDER BY id")][-1] == "exception_ended"


async def test_a_closed_daily_date_is_absent_and_nothing_of_it_is_written(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    made = (await post(http, doctor, closed(in_days(1), in_days(2)))).json()
    assert made["displaced_ids"] == [str(held.appointment_id)]
    said = await service.deliver(book(service.clinic, doctor), book(service.clinic, doctor, in_days(2)))
    assert said.refusals == [Code.DOCTOR_ABSENT] * 2
    assert await read_day(http, doctor) == ("daily", False, 10, 0)
    assert await read_day(http, doctor, in_days(2)) == ("daily", False, 10, 0)
    assert await service.rows("SELECT date FROM days") == [(in_days(1),)]
    await http.delete(path(doctor, made["id"]))
    assert (await service.deliver(book(service.clinic, doctor), book(service.clinic, doctor, in_days(2)))).numbers == [2, 1]


async def test_extra_hours_make_a_date_timed_for_who_has_no_schedule(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    made = (await post(http, doctor, extra(slot_minutes=30))).json()
    assert {name: value for name, value in made.items() if value is not None and name != "id"} == {
        "kind": "extra", "date": str(in_days(1)), "start": "09:00", "end": "10:00", "slot_minutes": 30, "displaced_ids": [],
    }  # fmt: skip
    said = await service.deliver(*(book(service.clinic, doctor) for _ in range(3)), book(service.clinic, doctor, in_days(2)))
    assert [one.starts_at and f"{one.starts_at:%H:%M}" for one in said.of(SlotReserved)] == ["09:00", "09:30", None]
    assert said.refusals == [Code.FULL]
    await http.delete(path(doctor, made["id"]))
    assert await read_day(http, doctor) == ("timed", False, 2, 0), "what is taken stays"
    await service.deliver(*(releases(one) for one in said.of(SlotReserved)))
    assert await service.rows("SELECT FROM slots WHERE date = $1", in_days(1)) == []


async def test_extra_hours_behind_the_horizon_are_not_daily_meanwhile(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, far = await service.doctor(), in_days(90)
    await post(http, doctor, extra(far))
    assert (await service.deliver(book(service.clinic, doctor, far))).refusals == [Code.DOCTOR_ABSENT]
    assert await read_day(http, doctor, far) == ("timed", False, 0, 0)


async def test_a_daily_date_with_a_booking_gets_no_extra_hours(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    assert (await post(http, doctor, extra())).json()["displaced_ids"] == []
    assert (await service.deliver(book(service.clinic, doctor))).numbers == [2]


async def test_a_dry_run_tells_and_changes_nothing(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await schedule(http, doctor)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    before = await service.rows("SELECT id, state, published FROM slots ORDER BY id")
    answer = await post(http, doctor, closed(), key=uuid4(), dry_run="true")
    assert answer.status_code == 200
    assert (answer.json()["id"], answer.json()["displaced_ids"]) == (None, [str(held.appointment_id)])
    assert (await post(http, doctor, extra(), dry_run="true")).json()["displaced_ids"] == []
    assert await service.rows("SELECT id, state, published FROM slots ORDER BY id") == before
    assert await service.rows("SELECT FROM exceptions") == [] == await service.rows("SELECT FROM outcomes")


async def test_a_key_makes_one_exception(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, key = await service.doctor(), uuid4()
    answers = await asyncio.gather(*(post(http, doctor, closed(), key) for _ in range(10)))
    assert {answer.status_code for answer in answers} == {201} and len({answer.content for answer in answers}) == 1
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [""] + ["true"] * 9
    assert (await post(http, doctor, closed(in_days(2), in_days(2)), key)).json()["code"] == Code.KEY_REUSED
    assert len(await service.rows("SELECT FROM exceptions")) == 1


async def test_exceptions_are_listed_by_date(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor, in_days(2)))).of(SlotReserved)
    for body in (closed(in_days(2), in_days(2)), extra(in_days(1)), closed(in_days(1), in_days(2))):
        await post(http, doctor, body)
    first = (await http.get(path(doctor), params={"limit": 2})).json()
    rest = (await http.get(path(doctor), params={"limit": 2, "cursor": first["next_cursor"]})).json()
    assert rest["next_cursor"] is None and (await http.get(path(doctor), params={"cursor": "x"})).status_code == 422
    displaced = {(one["kind"], one["from"]): one["displaced_ids"] for one in first["items"] + rest["items"]}
    ids = [str(held.appointment_id)]
    assert displaced == {("extra", None): [], ("closed", str(in_days(1))): ids, ("closed", str(in_days(2))): ids}
    assert rest["items"][0]["from"] == str(in_days(2))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (closed(in_days(2), in_days(1)), "to"),
        (closed(in_days(1), in_days(732)), "to"),
        (closed(reason="holiday"), "reason"),
        (extra(start="10:00", end="10:00"), "end"),
        (extra(location_id=str(uuid4())), "location_id"),
        ({"kind": "moved"}, "kind"),
        ({}, "kind"),
        ({"kind": []}, "kind"),
        ([], "body"),
        ({"kind": "closed", "from": "today", "to": in_days(1).isoformat()}, "from"),
    ],
)
async def test_what_is_wrong_is_named(service: Availability, http: httpx2.AsyncClient, body: Any, field: str) -> None:
    refused = await post(http, await service.doctor(), body)
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == [field], refused.text


async def test_the_past_and_strangers_are_refused(service: Availability, http: httpx2.AsyncClient) -> None:
    past = in_days(-2)
    for body in (closed(past, past), extra(past)):
        assert (await post(http, await service.doctor(), body)).json()["code"] == Code.PAST_DATE
    for doctor in (uuid4(), await service.doctor("deleted"), await service.doctor(clinic=uuid4())):
        assert (await post(http, doctor, closed())).json()["code"] == Code.UNKNOWN_DOCTOR
        assert (await http.get(path(doctor))).json()["code"] == Code.UNKNOWN_DOCTOR
        assert (await http.delete(path(doctor, uuid4()))).json()["code"] == Code.UNKNOWN_DOCTOR


@pytest.mark.parametrize("timed", [True, False])
async def test_a_booking_that_meets_a_closing_is_displaced_or_refused(
    service: Availability, http: httpx2.AsyncClient, timed: bool
) -> None:
    """50 rounds, of several bookings and one closing each: every place that was given is in the list of the displaced."""
    ends = set()
    for number in range(50):
        doctor = await service.doctor()
        if timed:
            await schedule(http, doctor)
        closing = asyncio.ensure_future(post(http, doctor, closed()))
        if number % 10 == 0:  # a call over HTTP is rarely faster than all bookings by itself
            await closing
        bookings = [service.deliver(book(service.clinic, doctor)) for _ in range(3)]
        answer, *said = await asyncio.gather(closing, *bookings)
        given = {str(reserved.appointment_id) for one in said for reserved in one.of(SlotReserved)}
        refused = [code for one in said for code in one.refusals]
        assert set(answer.json()["displaced_ids"]) == given and refused == [Code.DOCTOR_ABSENT] * (3 - len(given))
        ends.add(len(given))
    assert len(ends) > 1, "both were first at times"
