"""The search for open slots across doctors on a real Postgres: who is found, in which order, and by which index."""

import datetime as dt
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from services.availability.repository.slots.search import SearchPosition, SlotQuery, statement
from shared.contracts import internal
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, every_day
from tests.integration.availability.test_directory import CATEGORIES, DOCTORS, made
from tests.support import rows
from tests.support.dates import in_days


async def at_work(http: httpx2.AsyncClient, code: str, start: str, end: str, zone: str = "UTC", **fields: Any) -> dict[str, Any]:
    """A doctor with a place in this zone, who is there at these hours every day."""
    doctor = await made(
        http, DOCTORS, name="Ada", code=code, locations=[{"address": "1 High Street", "time_zone": zone}], **fields
    )
    hours = every_day(start, end, slot_minutes=30, location_id=doctor["locations"][0]["id"])
    answer = await http.put(f"{DOCTORS}/{doctor['id']}/schedule", json={"entries": hours})
    assert answer.status_code == 200, answer.text
    return dict(doctor)


@pytest.fixture
async def known(http: httpx2.AsyncClient) -> dict[str, dict[str, Any]]:
    """Doctors `a`, `b` and `c` with two slots a day each, one with numbers in place of times, and one who is deleted."""
    skin = await made(http, CATEGORIES, name="Skin & Hair")
    of_a = {"category_id": skin["id"], "languages": ["en-GB", "zh-Hant"]}
    found = {
        "skin": skin,
        "a": await at_work(http, "a", "09:00", "10:00", **of_a),
        "b": await at_work(http, "b", "09:30", "10:30", languages=["en"]),
        "c": await at_work(http, "c", "09:00", "10:00", zone="Asia/Kathmandu", category_id=skin["id"], languages=["ne"]),
        "daily": await made(http, DOCTORS, name="Eve", code="daily", **of_a),
        "gone": await at_work(http, "gone", "09:00", "10:00", **of_a),
    }
    assert (await http.delete(f"{DOCTORS}/{found['gone']['id']}")).status_code == 200
    return found


async def search(http: httpx2.AsyncClient, **asked: Any) -> Any:
    answer = await http.get("/internal/slots", params={"from": in_days(1).isoformat(), "to": in_days(1).isoformat(), **asked})
    assert answer.status_code == 200, answer.text
    return answer.json()


def told(known: dict[str, dict[str, Any]], items: list[dict[str, Any]]) -> list[str]:
    """Whose slot it is, and when on their clock."""
    names = {doctor["id"]: name for name, doctor in known.items()}
    return [f"{names[slot['doctor_id']]} {slot['local_start'][11:16]}" for slot in items]


ALL = ["c 09:00", "c 09:30", "a 09:00", "a 09:30", "b 09:30", "b 10:00"]
"""Of one date in order of start, which for `c` is five hours and three quarters earlier; `a` was made before `b`."""


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({}, ALL),
        ({"doctor_id": "<a>"}, ["a 09:00", "a 09:30"]),
        ({"doctor_id": "<daily>"}, []),
        ({"doctor_id": "<gone>"}, []),
        ({"category": "<skin>"}, ["c 09:00", "c 09:30", "a 09:00", "a 09:30"]),
        ({"category": " skin &  HAIR"}, ["c 09:00", "c 09:30", "a 09:00", "a 09:30"]),
        ({"category": "Skin"}, []),
        ({"language": "en"}, ["a 09:00", "a 09:30", "b 09:30", "b 10:00"]),
        ({"language": "zh-hant"}, ["a 09:00", "a 09:30"]),
        ({"language": "fr"}, []),
        ({"category": "<skin>", "language": "ne"}, ["c 09:00", "c 09:30"]),
        ({"category": "<skin>", "doctor_id": "<b>"}, []),
        ({"earliest": "3"}, ["c 09:00", "c 09:30", "a 09:00"]),
        ({"earliest": "50"}, ALL),
    ],
)
async def test_slots_are_found_across_doctors(
    http: httpx2.AsyncClient, known: dict[str, dict[str, Any]], filters: dict[str, str], expected: list[str]
) -> None:
    named = {f"<{name}>": one["id"] for name, one in known.items()}
    page = await search(http, **{name: named.get(value, value) for name, value in filters.items()})
    assert told(known, page["items"]) == expected
    assert page["next_cursor"] is None


async def test_slots_are_found_by_their_place(http: httpx2.AsyncClient, known: dict[str, dict[str, Any]]) -> None:
    place = {name: known["b"]["locations"][0][name] for name in ("id", "address", "time_zone")}
    elsewhere = [place, {"address": "2 Low Road"}]
    moved = await http.patch(f"{DOCTORS}/{known['b']['id']}", json={"locations": elsewhere})
    assert moved.status_code == 200, moved.text
    here, there = moved.json()["locations"]
    assert told(known, (await search(http, location_id=here["id"]))["items"]) == ["b 09:30", "b 10:00"]
    assert (await search(http, location_id=there["id"]))["items"] == []
    assert (await search(http, location_id=str(uuid4())))["items"] == []


async def test_pages_across_doctors_have_no_hole_and_no_double(
    http: httpx2.AsyncClient, known: dict[str, dict[str, Any]]
) -> None:
    whole = (await search(http, to=in_days(2).isoformat()))["items"]
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await search(http, to=in_days(2).isoformat(), limit=1, **cursor)
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == whole and len(pages) == 2 * len(ALL)


async def test_equal_starts_follow_by_doctor(http: httpx2.AsyncClient) -> None:
    doctors = sorted([(await at_work(http, f"d{number}", "09:00", "09:30"))["id"] for number in range(5)])
    assert [slot["doctor_id"] for slot in (await search(http))["items"]] == doctors
    page = await search(http, limit=2)
    behind = await search(http, cursor=page["next_cursor"])
    assert [slot["doctor_id"] for slot in (*page["items"], *behind["items"])] == doctors


async def test_what_lies_behind_the_horizon_is_not_found(service: Availability, http: httpx2.AsyncClient) -> None:
    await at_work(http, "a", "09:00", "09:30")
    until = in_days(10).isoformat()
    assert len((await search(http, to=until))["items"]) == 10
    await service.settings(booking_horizon_days=2)
    assert [slot["date"] for slot in (await search(http, to=until))["items"]] == [in_days(1).isoformat(), in_days(2).isoformat()]


async def test_another_clinic_finds_nothing(
    service: Availability, http: httpx2.AsyncClient, known: dict[str, dict[str, Any]]
) -> None:
    stranger = {internal.CLINIC: str(await service.make_known(uuid4()))}
    answer = await http.get("/internal/slots", headers=stranger)
    assert answer.json() == {"items": [], "next_cursor": None}
    answer = await http.get("/internal/slots", params={"doctor_id": known["a"]["id"]}, headers=stranger)
    assert answer.json()["code"] == Code.UNKNOWN_DOCTOR
    asked = {"location_id": known["a"]["locations"][0]["id"], "category": known["skin"]["id"]}
    assert (await http.get("/internal/slots", params=asked, headers=stranger)).json()["items"] == []


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"earliest": "0"}, "earliest"),
        ({"earliest": "51"}, "earliest"),
        ({"earliest": "5", "limit": "5"}, "earliest"),
        ({"earliest": "5", "cursor": "x"}, "earliest"),
        ({"limit": "201"}, "limit"),
        ({"cursor": "WyIyMDMwIiwiMSJd"}, "cursor"),
        ({"cursor": "WyIyMDMwLTAxLTAxIiwiMSIsIjIiXQ"}, "cursor"),
        ({"location_id": "here"}, "location_id"),
        ({"category": " "}, "category"),
        ({"language": "e"}, "language"),
    ],
)
async def test_a_search_that_is_none_is_refused(http: httpx2.AsyncClient, asked: dict[str, str], field: str) -> None:
    answer = await http.get("/internal/slots", params=asked)
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


HOUR = dt.timedelta(hours=1)
FORGET = "DELETE FROM pg_statistic WHERE starelid = ANY (ARRAY['doctors', 'days', 'slots']::regclass[])"


@pytest.mark.parametrize(
    ("count", "first", "index"),
    [
        (1, "ANALYZE doctors, days, slots", ""),
        (1, FORGET, ""),
        (30, "ANALYZE doctors, days, slots", "ix_slots_open_of_clinic"),
        (30, FORGET, "ix_slots_open_of_clinic"),
    ],
    ids=["of one", "of one without statistics", "of several", "of several without statistics"],
)
async def test_the_plan_goes_by_an_index(service: Availability, superuser: Any, count: int, first: str, index: str) -> None:
    """As the service's role, which row security binds. One doctor's slots may be found by any index of theirs, and sorted:
    they are few, the costs of both ways differ by a hundredth, and what other clinics have decides. All doctors have many."""
    doctors, now = [uuid4() for _ in range(30)], dt.datetime.now(dt.UTC)
    query = SlotQuery(
        clinic_id=service.clinic, doctors=doctors[:count], first=in_days(1), last=in_days(30), bookable_after=now, now=now,
        horizon_days=400, after=SearchPosition(now), location_id=None, limit=51,
    )  # fmt: skip
    sql, *parameters = statement(query)
    owner = await superuser("availability")
    async with rolled_back(owner):
        await rows.add_doctors(owner, service.clinic, doctors)
        dates = [in_days(day) for day in range(1, 61)]
        slots = rows.slots_of_days(doctors, dates, dt.time(9), count=8, length=HOUR)
        await rows.add_timed_slots(owner, service.clinic, slots, HOUR)
        await owner.execute(first)
        await owner.execute("SET LOCAL ROLE availability_app")
        await owner.execute("SELECT set_config('app.clinics', $1, true)", f"{{{service.clinic}}}")
        assert len(await owner.fetch(sql, *parameters)) == 51
        plan = "\n".join(row[0] for row in await owner.fetch(f"EXPLAIN {sql}", *parameters))
    assert ("Sort" not in plan and f"Index Scan using {index} on slots" in plan) if index else "(doctor_id = '" in plan, plan
    assert "Seq Scan" not in plan, plan


@asynccontextmanager
async def rolled_back(connection: Any) -> AsyncIterator[None]:
    """A transaction that leaves nothing."""
    transaction = connection.transaction()
    await transaction.start()
    try:
        yield
    finally:
        await transaction.rollback()
