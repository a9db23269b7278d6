"""Categories and price ranges over internal HTTP on a real Postgres: one set of rules for both, races, and what is in use."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from shared.contracts import internal
from tests.integration.availability.availability import Availability

CATEGORIES, PRICE_RANGES, DOCTORS = "/internal/categories", "/internal/price-ranges", "/internal/doctors"
PRICES = {"currency": "GBP", "min": 2000, "max": 9000}
TABLES = pytest.mark.parametrize(
    ("path", "fields", "field", "unknown"),
    [
        (CATEGORIES, {}, "category_id", "unknown_category"),
        (PRICE_RANGES, PRICES, "price_range_id", "unknown_price_range"),
    ],
    ids=["categories", "price_ranges"],
)


def code(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def reasons(answer: httpx2.Response) -> dict[str, str]:
    assert answer.status_code == 422, answer.text
    return {error["field"]: error["reason"] for error in answer.json()["errors"]}


async def made(http: httpx2.AsyncClient, path: str, **body: Any) -> Any:
    answer = await http.post(path, json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()


@TABLES
async def test_names_that_look_alike_are_one_entry_and_what_cannot_be_seen_is_none(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    await made(http, path, name="Children's X-Ray", **fields)
    for name in ("Children’s X\u2011Ray", "Chil\u00addren's\u200b X-Ray", "\u202eChildren's X–Ray"):
        assert code(await http.post(path, json={"name": name, **fields})) == (409, "duplicate_name"), name
    for name in ("\u200b", "\u2060", "\u00ad", "\u202e", "\u3164"):
        assert set(reasons(await http.post(path, json={"name": name, **fields}))) == {"name"}


@TABLES
async def test_an_entry_is_made_read_changed_and_removed(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    answer = await http.post(path, json={"name": " Skin ", **fields})
    entry = answer.json()
    assert (answer.status_code, answer.headers["ETag"]) == (201, '"v1"')
    assert entry == {"id": entry["id"], "name": "Skin", **fields, "version": 1}
    one = f"{path}/{entry['id']}"
    assert (await http.get(one)).json() == entry
    same = await http.patch(one, json={"name": "Skin"})
    assert (same.json(), same.headers["ETag"]) == (entry, '"v1"')
    renamed = await http.patch(one, json={"name": "Dermatology"}, headers={"If-Match": '"v1"'})
    assert (renamed.json(), renamed.headers["ETag"]) == ({**entry, "name": "Dermatology", "version": 2}, '"v2"')
    for refused in (
        await http.patch(one, json={"name": "Hair"}, headers={"If-Match": '"v1"'}),
        await http.delete(one, headers={"If-Match": '"v1"'}),
    ):
        assert code(refused) == (412, "stale")
    assert (await http.get(one)).json()["name"] == "Dermatology"
    assert (await http.delete(one, headers={"If-Match": '"v2"'})).status_code == 204
    for gone in (await http.get(one), await http.patch(one, json={}), await http.delete(one)):
        assert code(gone) == (404, unknown)


@TABLES
async def test_a_name_is_there_once_however_it_is_spelled(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    entry = await made(http, path, name="Straße  und Haut", **fields)
    other = await made(http, path, name="Hair", **fields)
    for name in ("STRASSE UND HAUT", " straße\u00a0und haut", "Stra\uff53\uff53e und Haut"):
        assert code(await http.post(path, json={"name": name, **fields})) == (409, "duplicate_name")
        assert code(await http.patch(f"{path}/{other['id']}", json={"name": name})) == (409, "duplicate_name")
    spelled = await http.patch(f"{path}/{entry['id']}", json={"name": "STRASSE UND HAUT"})
    assert (spelled.json()["name"], spelled.json()["version"]) == ("STRASSE UND HAUT", 2)
    there = {internal.CLINIC: str(uuid4())}
    assert (await http.post(path, json={"name": "Hair", **fields}, headers=there)).status_code == 201
    assert code(await http.get(f"{path}/{entry['id']}", headers=there)) == (404, unknown)


@TABLES
async def test_of_20_who_write_one_name_at_once_one_does(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    other = await made(http, path, name="Hair", **fields)
    posts = [http.post(path, json={"name": "skin" if number % 2 else "Skin", **fields}) for number in range(19)]
    answers = await asyncio.gather(*posts, http.patch(f"{path}/{other['id']}", json={"name": "SKIN"}))
    assert sorted(answer.status_code // 100 for answer in answers) == [2] + [4] * 19
    assert {code(answer) for answer in answers if answer.status_code >= 400} == {(409, "duplicate_name")}


@TABLES
async def test_one_key_20_times_at_once_is_one_entry(
    service: Availability, http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    key = {internal.COMMAND_ID: str(uuid4())}
    body = {"name": "Skin", **fields}
    answers = await asyncio.gather(*(http.post(path, json=body, headers=key) for _ in range(20)))
    assert {(answer.status_code, answer.text, answer.headers["ETag"]) for answer in answers} == {(201, answers[0].text, '"v1"')}
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [""] + ["true"] * 19
    assert code(await http.post(path, json={**body, "name": "Hair"}, headers=key)) == (422, "key_reused")
    noted = await service.rows("SELECT action, subject_id::text FROM audit")
    assert noted == [(f"{field.removesuffix('_id')}_changed", answers[0].json()["id"])]


@TABLES
async def test_pages_go_in_order_of_name(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    for name in ("b", "A", "c", "Ä", "a b"):
        await made(http, path, name=name, **fields)
    found: list[str] = []
    params: dict[str, Any] = {"limit": 2}
    while True:
        page = (await http.get(path, params=params)).json()
        assert len(page["items"]) <= 2
        found += [one["name"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        params["cursor"] = page["next_cursor"]
    assert sorted(found) == sorted(["b", "A", "c", "Ä", "a b"])
    assert [name for name in found if name in "Abc"] == ["A", "b", "c"]
    assert reasons(await http.get(path, params={"cursor": "?"})).keys() == {"cursor"}


@TABLES
async def test_what_an_active_doctor_has_stays_and_a_deleted_one_lets_it_go(
    service: Availability, http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    entry = await made(http, path, name="Skin", **fields)
    one = f"{path}/{entry['id']}"
    doctor = await made(http, DOCTORS, name="Ada", **{field: entry["id"]})
    shown = doctor[field.removesuffix("_id")]
    assert shown == {"id": entry["id"], "name": "Skin", **fields}
    assert code(await http.delete(one)) == (409, "in_use")
    await http.delete(f"{DOCTORS}/{doctor['id']}")
    assert (await http.delete(one)).status_code == 204
    read = (await http.get(f"{DOCTORS}/{doctor['id']}")).json()
    assert (read["status"], read[field.removesuffix("_id")]) == ("deleted", None)


@TABLES
async def test_what_is_removed_while_doctors_get_it_is_gone_or_in_use(
    http: httpx2.AsyncClient, path: str, fields: dict[str, Any], field: str, unknown: str
) -> None:
    doctor = await made(http, DOCTORS, name="Ada")
    for number in range(20):
        entry = await made(http, path, name=f"Skin {number}", **fields)
        given = {field: entry["id"]}
        removed, posted, patched = await asyncio.gather(
            http.delete(f"{path}/{entry['id']}"),
            http.post(DOCTORS, json={"name": "Lin", **given}),
            http.patch(f"{DOCTORS}/{doctor['id']}", json=given),
        )
        if removed.status_code == 204:
            assert reasons(posted) == reasons(patched) == {field: "is not known"}
        else:
            assert code(removed) == (409, "in_use")
            assert 200 in (patched.status_code, posted.status_code - 1)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({}, {"name", "currency", "min", "max"}),
        ({"name": "", "currency": "gbp", "min": -1, "max": 1.5}, {"name", "currency", "min", "max"}),
        ({"name": "A", "currency": "GBP", "min": 5, "max": 4}, {"max"}),
        ({"name": "A\0", "currency": "GBP", "min": 5, "max": 4, "colour": 1}, {"max", "colour", "name"}),
        ({"name": "A", "currency": "GBP", "min": 0, "max": 10**13}, {"max"}),
    ],
)
async def test_every_bad_field_of_a_price_range_is_named(http: httpx2.AsyncClient, body: Any, expected: set[str]) -> None:
    assert reasons(await http.post(PRICE_RANGES, json=body)).keys() >= expected


async def test_a_changed_price_range_is_judged_as_a_whole(http: httpx2.AsyncClient) -> None:
    one = f"{PRICE_RANGES}/{(await made(http, PRICE_RANGES, name='A', **PRICES))['id']}"
    assert reasons(await http.patch(one, json={"min": 9001})) == {"max": "must be `min` or more"}
    cleared = await http.patch(one, json={"name": None, "min": None})
    assert reasons(cleared) == {"name": "cannot be cleared", "min": "cannot be cleared"}
    moved = await http.patch(one, json={"min": 9001, "max": 9001, "currency": "EUR"})
    assert moved.json() | {"id": 0} == {"id": 0, "name": "A", "currency": "EUR", "min": 9001, "max": 9001, "version": 2}
