"""Doctors with all that they have, over internal HTTP on a real Postgres: locations in languages, changes, and who is told."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts.registry import DoctorChanged
from tests.integration.availability.availability import Availability
from tests.integration.availability.test_directory import CATEGORIES, DOCTORS, PRICE_RANGES, PRICES, code, made, reasons
from tests.support.batches import until_it_waits
from tests.support.dates import in_days
from tests.support.statements import calls_during

ADDRESS = {"en": "12 High Street, London", "zh-Hant": "倫敦高街12號"}
HARBOUR = {"zh-Hant": "香港海港道1號", "en": "1 Harbour Road, Hong Kong"}
PLACES = [
    {"name": "High Street", "address": ADDRESS, "time_zone": "Europe/London"},
    {"address": HARBOUR, "time_zone": "Asia/Hong_Kong"},
    "3 Mill Lane, Leeds",
]
NO_WALL_TIME_CHANGED = {"wall_time_changed_ids": list[str]()}
"""What the answer to a change says more than one to a read."""


def versions(service: Availability, doctor: Any) -> list[int]:
    told = [DoctorChanged.model_validate_json(record.body) for record in service.publisher.records]
    return [change.version for change in told if str(change.doctor_id) == doctor["id"]]


async def addresses(http: httpx2.AsyncClient, doctor: Any, language: str | None) -> list[str]:
    answer = await http.get(f"{DOCTORS}/{doctor['id']}", headers={"Accept-Language": language} if language else {})
    assert answer.headers["Vary"] == "Accept-Language"
    return [place["address"] for place in answer.json()["locations"]]


async def test_a_reader_gets_addresses_in_the_language_that_is_asked_for(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(time_zone="Asia/Kathmandu")
    doctor = await made(http, DOCTORS, name="Ada", locations=PLACES)
    assert [place["time_zone"] for place in doctor["locations"]] == ["Europe/London", "Asia/Hong_Kong", "Asia/Kathmandu"]
    assert [place["name"] for place in doctor["locations"]] == ["High Street", None, None]
    plain = "3 Mill Lane, Leeds"
    english, chinese = [ADDRESS["en"], HARBOUR["en"], plain], [ADDRESS["zh-Hant"], HARBOUR["zh-Hant"], plain]
    for wanted, expected in (
        ("zh-Hant-HK, en;q=0.5", chinese),
        ("en-GB, zh;q=0.9", english),
        ("fr, zh-Hant;q=0", english),
        (None, [ADDRESS["en"], HARBOUR["zh-Hant"], plain]),
        ("!?", [ADDRESS["en"], HARBOUR["zh-Hant"], plain]),
    ):
        assert await addresses(http, doctor, wanted) == expected, wanted


async def test_a_reader_who_asks_for_them_gets_all_translations(http: httpx2.AsyncClient) -> None:
    doctor = await made(http, DOCTORS, name="Ada", locations=PLACES)
    assert {place["translations"] for place in doctor["locations"]} == {None}
    for path in (f"{DOCTORS}/{doctor['id']}", DOCTORS):
        answer = (await http.get(path, params={"expand": "translations"})).json()
        (shown,) = answer.get("items", [answer])
        assert [list(place["translations"].items()) for place in shown["locations"]] == [
            list(ADDRESS.items()), list(HARBOUR.items()), [],
        ]  # fmt: skip
    assert (await http.get(DOCTORS, params={"expand": "all"})).status_code == 422


async def test_what_is_left_out_stays_and_null_clears_what_may_be_missing(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    category = await made(http, CATEGORIES, name="Skin")
    prices = await made(http, PRICE_RANGES, name="Standard", **PRICES)
    doctor = await made(
        http, DOCTORS, name="Ada", category_id=category["id"], price_range_id=prices["id"], languages=["en"], locations=PLACES
    )
    one = f"{DOCTORS}/{doctor['id']}"
    assert doctor["price_range"] == {"id": prices["id"], "name": "Standard", **PRICES}
    for nothing in ({}, {"name": " Ada "}, {"languages": ["en"], "code": "ada", "category_id": category["id"]}):
        answer = await http.patch(one, json=nothing)
        assert (answer.json(), answer.headers["ETag"]) == (doctor | NO_WALL_TIME_CHANGED, '"v1"')
    assert versions(service, doctor) == [1]
    cleared = await http.patch(one, json={"category_id": None, "name": "Ada Osei"})
    assert cleared.json() == {**doctor, "category": None, "name": "Ada Osei", "version": 2} | NO_WALL_TIME_CHANGED
    emptied = (await http.patch(one, json={"price_range_id": None, "languages": [], "locations": [], "code": "osei"})).json()
    assert emptied == {
        **doctor, "category": None, "price_range": None, "name": "Ada Osei", "languages": [], "locations": [], "code": "osei",
        "version": 3,
    } | NO_WALL_TIME_CHANGED  # fmt: skip
    assert (await http.get(one)).json() | NO_WALL_TIME_CHANGED == emptied
    assert versions(service, doctor) == [1, 2, 3]
    actions = await service.rows("SELECT action FROM audit WHERE subject_id = $1 ORDER BY id", UUID(doctor["id"]))
    assert [action for (action,) in actions] == ["doctor_registered", "doctor_changed", "doctor_changed"]


async def test_locations_are_kept_changed_added_and_removed(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await made(http, DOCTORS, name="Ada", locations=PLACES)
    first, second, third = doctor["locations"]
    wanted = ["9 New Road", {"id": third["id"], "address": "3 Mill Lane, Leeds"}, {"id": first["id"], "address": "Moved"}]
    changed = (await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": wanted})).json()
    assert [place["address"] for place in changed["locations"]] == ["9 New Road", "3 Mill Lane, Leeds", "Moved"]
    assert [place["id"] for place in changed["locations"]][1:] == [third["id"], first["id"]]
    assert (changed["version"], changed["locations"][2]["name"], changed["locations"][2]["time_zone"]) == (2, None, "UTC")
    same = [{"id": place["id"], "address": place["address"]} for place in changed["locations"]]
    assert (await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": same})).json() == changed
    kept = await service.rows("SELECT removed FROM locations WHERE id = $1", UUID(second["id"]))
    assert kept == [(True,)]
    again = await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": [{"id": second["id"], "address": "x"}]})
    assert reasons(again).keys() == {"locations.0.id"}


@pytest.mark.parametrize("needed", ["schedule", "exception"])
async def test_a_location_that_the_calendar_needs_stays(service: Availability, http: httpx2.AsyncClient, needed: str) -> None:
    doctor = await made(http, DOCTORS, name="Ada", locations=PLACES)
    names = (UUID(doctor["id"]), UUID(doctor["locations"][0]["id"]))
    if needed == "schedule":
        sql = "INSERT INTO schedule_entries VALUES ($1, $2, 0, 1, 540, 720, $3, 15)"
        await service.execute(sql, service.clinic, *names)
    else:
        sql = (
            "INSERT INTO exceptions (clinic_id, doctor_id, location_id, id, kind, from_date, to_date, start_minute, end_minute,"
            " slot_minutes, created_at) SELECT $1, $2, $3, gen_random_uuid(), 'extra', day, day, 540, 600, 15, now()"
            " FROM unnest($4::date[]) AS day"
        )
        over = in_days(-3)
        await service.execute(sql, service.clinic, names[0], UUID(doctor["locations"][1]["id"]), [over])
        await service.execute(sql, service.clinic, *names, [in_days()])
    one = f"{DOCTORS}/{doctor['id']}"
    refused = await http.patch(one, json={"name": "Eve", "locations": ["elsewhere"]})
    assert code(refused) == (409, "in_use") and doctor["locations"][0]["id"] in refused.json()["detail"]
    assert (await http.get(one)).json() == doctor
    left = [{"id": doctor["locations"][0]["id"], "address": "Moved"}]
    assert len((await http.patch(one, json={"locations": left})).json()["locations"]) == 1


async def test_every_stranger_is_named(http: httpx2.AsyncClient) -> None:
    other = await made(http, DOCTORS, name="Lin", locations=["There"])
    doctor = await made(http, DOCTORS, name="Ada", locations=["Here"])
    here, there = doctor["locations"][0]["id"], other["locations"][0]["id"]
    body = {
        "category_id": str(uuid4()),
        "price_range_id": str(uuid4()),
        "locations": [{"id": id_, "address": "x"} for id_ in (here, there, here, str(uuid4()))],
    }
    fields = {"category_id", "price_range_id", "locations.1.id", "locations.2.id", "locations.3.id"}
    assert reasons(await http.patch(f"{DOCTORS}/{doctor['id']}", json=body)).keys() == fields
    assert reasons(await http.post(DOCTORS, json={"name": "Eve", **body})).keys() == fields | {"locations.0.id"}
    assert (await http.get(f"{DOCTORS}/{doctor['id']}")).json() == doctor


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": None, "code": None, "languages": None, "locations": None}, {"name", "code", "languages", "locations"}),
        ({"locations": ["", {"address": {}}, {"address": 5}]}, {f"locations.{place}.address" for place in range(3)}),
        ({"locations": [{"address": {"en": ""}, "time_zone": "Mars/Base"}]}, {"locations.0.address.en", "locations.0.time_zone"}),
        ({"locations": [{"address": "x", "id": "7"}, 5], "status": "deleted"}, {"locations.0.id", "locations.1", "status"}),
        ({"category_id": "skin", "languages": ["English"]}, {"category_id", "languages.0"}),
        ({"locations": ["x"] * 51}, {"locations"}),
    ],
)
async def test_every_bad_field_of_a_change_is_named(http: httpx2.AsyncClient, body: dict[str, Any], fields: set[str]) -> None:
    doctor = await made(http, DOCTORS, name="Ada")
    assert reasons(await http.patch(f"{DOCTORS}/{doctor['id']}", json=body)).keys() == fields


async def test_a_stale_change_changes_nothing(http: httpx2.AsyncClient) -> None:
    doctor = await made(http, DOCTORS, name="Ada")
    one = f"{DOCTORS}/{doctor['id']}"
    bodies = [{"name": f"Ada {number}"} for number in range(10)]
    answers = await asyncio.gather(*(http.patch(one, json=body, headers={"If-Match": '"v1"'}) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 9
    assert {answer.json()["code"] for answer in answers if answer.status_code == 412} == {"stale"}
    (won,) = [answer.json() for answer in answers if answer.status_code == 200]
    assert (await http.get(one)).json() | NO_WALL_TIME_CHANGED == won and won["version"] == 2
    assert (await http.patch(one, json={"name": "Eve"}, headers={"If-Match": "*"})).json()["version"] == 3
    assert code(await http.delete(one, headers={"If-Match": '"v2"'})) == (412, "stale")


async def test_a_change_that_waited_for_another_is_compared_with_what_that_one_left(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    before, after = [await made(http, CATEGORIES, name=name) for name in ("Skin", "Eyes")]
    doctor = await made(http, DOCTORS, name="Ada", category_id=before["id"])
    async with service.database.batch({service.clinic}) as (connection, _):
        await connection.execute("UPDATE doctors SET category_id = $1", UUID(after["id"]))
        change = asyncio.ensure_future(http.patch(f"{DOCTORS}/{doctor['id']}", json={"category_id": None}))
        await until_it_waits(service.database)
    assert (await change).json() == {**doctor, "category": None, "version": 2} | NO_WALL_TIME_CHANGED


async def test_languages_in_another_order_are_a_change(http: httpx2.AsyncClient) -> None:
    doctor = await made(http, DOCTORS, name="Ada", locations=[{"address": ADDRESS}])
    turned = {"id": doctor["locations"][0]["id"], "address": dict(reversed(ADDRESS.items()))}
    changed = (await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": [turned]})).json()
    assert (changed["version"], changed["locations"][0]["address"]) == (2, ADDRESS["zh-Hant"])
    assert (await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": [turned]})).json()["version"] == 2


async def test_a_code_can_be_changed_to_a_free_one(http: httpx2.AsyncClient) -> None:
    await made(http, DOCTORS, name="Lin", code="lin")
    doctor = await made(http, DOCTORS, name="Ada")
    for taken in ("lin", "LIN"):
        assert code(await http.patch(f"{DOCTORS}/{doctor['id']}", json={"code": taken})) == (409, "duplicate_code")
    posts = [http.post(DOCTORS, json={"name": "x", "code": "new"}) for _ in range(5)]
    patched, *posted = await asyncio.gather(http.patch(f"{DOCTORS}/{doctor['id']}", json={"code": "new"}), *posts)
    assert sorted(answer.status_code // 100 for answer in (patched, *posted)) == [2] + [4] * 5


async def test_a_deleted_doctor_is_read_and_nothing_else(http: httpx2.AsyncClient) -> None:
    doctor = await made(http, DOCTORS, name="Ada", locations=PLACES)
    one = f"{DOCTORS}/{doctor['id']}"
    assert (await http.delete(one)).json() == {"id": doctor["id"], "appointments_left": 0}
    read = (await http.get(one)).json()
    assert read == {**doctor, "status": "deleted", "version": 2}
    assert code(await http.patch(one, json={"name": "Eve"})) == (404, "unknown_doctor")
    assert (await http.get(DOCTORS)).json()["items"] == []
    assert (await made(http, DOCTORS, name="Ada"))["code"] == "ada-2"


async def test_a_list_of_any_length_is_read_with_the_same_number_of_statements(
    http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    server = await superuser("availability")
    counts = []
    for _ in range(2):
        for number in range(7):
            category = await made(http, CATEGORIES, name=str(uuid4()))
            await made(http, DOCTORS, name=f"Ada {number}", category_id=category["id"], locations=PLACES)
        ran = await calls_during(server, "availability_app", http.get(DOCTORS))
        counts.append(sum(calls for query, calls in ran.items() if query.startswith("SELECT")))
    assert len((await http.get(DOCTORS)).json()["items"]) == 14
    assert counts == [4, 4]  # the session's clinic, doctors, the clinic's settings, locations
