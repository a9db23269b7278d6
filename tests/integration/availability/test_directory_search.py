"""Finding doctors over internal HTTP on a real Postgres: every filter alone, all together, and what is no filter."""

from typing import Any
from uuid import uuid4

import httpx2
import pytest

from tests.integration.availability.availability import Availability
from tests.integration.availability.test_directory import CATEGORIES, DOCTORS, PRICE_RANGES, PRICES, made, reasons


@pytest.fixture
async def known(http: httpx2.AsyncClient) -> dict[str, str]:
    """Three active doctors, `a`, `b` and `c`, and a deleted one who has everything that they have."""
    skin = (await made(http, CATEGORIES, name="Skin & Hair"))["id"]
    cheap = (await made(http, PRICE_RANGES, name="Cheap", **PRICES))["id"]
    address = {"en": "12 High Street, London", "zh-Hant": "倫敦高街12號"}
    of_a = {"category_id": skin, "languages": ["en-GB", "zh-Hant"], "locations": [{"name": "Ward 100%", "address": address}]}
    a = await made(http, DOCTORS, code="a", name="Dr Zoë Lind", **of_a)
    await made(http, DOCTORS, code="b", name="Ada O'Hara", price_range_id=cheap, languages=["en"], locations=["1 Low Road"])
    await made(http, DOCTORS, code="c-lin", name="Eve", category_id=skin, price_range_id=cheap, languages=["eng", "zh"])
    gone = await made(http, DOCTORS, code="d", name="Dr Zoë Lind", **{**of_a, "price_range_id": cheap})
    assert (await http.delete(f"{DOCTORS}/{gone['id']}")).status_code == 200
    return {"skin": skin, "cheap": cheap, "ward": a["locations"][0]["id"], "stranger": str(uuid4())}


async def found(http: httpx2.AsyncClient, **filters: Any) -> list[str]:
    answer = await http.get(DOCTORS, params=filters)
    assert answer.status_code == 200, answer.text
    return [one["code"] for one in answer.json()["items"]]


@pytest.mark.parametrize(
    ("filters", "codes"),
    [
        ({}, ["a", "b", "c-lin"]),
        ({"category": "<skin>"}, ["a", "c-lin"]),
        ({"category": " SKIN  & hair"}, ["a", "c-lin"]),
        ({"category": "Skin"}, []),
        ({"category": "<stranger>"}, []),
        ({"price_range": "<cheap>"}, ["b", "c-lin"]),
        ({"price_range": "cheap"}, ["b", "c-lin"]),
        ({"price_range": "<skin>"}, []),
        ({"location": "<ward>"}, ["a"]),
        ({"location": "<stranger>"}, []),
        ({"location": "high street"}, ["a"]),
        ({"location": "高街"}, ["a"]),
        ({"location": "ward 100%"}, ["a"]),
        ({"location": "R"}, ["a", "b"]),
        ({"location": "1_ High"}, []),
        ({"location": "zh-Hant"}, []),
        ({"language": "en"}, ["a", "b"]),
        ({"language": "EN-gb"}, ["a"]),
        ({"language": "zh"}, ["a", "c-lin"]),
        ({"language": "zh-Hant-HK"}, []),
        ({"q": "lin"}, ["a", "c-lin"]),
        ({"q": "ZOË"}, ["a"]),
        ({"q": "o'h"}, ["b"]),
        ({"q": "%"}, []),
        ({"q": " ada "}, ["b"]),
        ({"category": "<skin>", "price_range": "cheap", "language": "zh", "q": "lin"}, ["c-lin"]),
        ({"category": "<skin>", "location": "low road"}, []),
    ],
)
async def test_doctors_are_found(
    http: httpx2.AsyncClient, known: dict[str, str], filters: dict[str, str], codes: list[str]
) -> None:
    assert await found(http, **{name: known.get(value.strip("<>"), value) for name, value in filters.items()}) == codes


async def test_pages_of_what_is_found_have_no_hole(http: httpx2.AsyncClient, known: dict[str, str]) -> None:
    first = (await http.get(DOCTORS, params={"category": known["skin"], "limit": 1})).json()
    behind = {"category": known["skin"], "limit": 1, "cursor": first["next_cursor"]}
    second = (await http.get(DOCTORS, params=behind)).json()
    assert [one["code"] for one in (*first["items"], *second["items"])] == ["a", "c-lin"]
    assert second["next_cursor"] is None


async def test_a_removed_location_finds_nobody(service: Availability, http: httpx2.AsyncClient, known: dict[str, str]) -> None:
    (one,) = (await http.get(DOCTORS, params={"location": known["ward"]})).json()["items"]
    assert (await http.patch(f"{DOCTORS}/{one['id']}", json={"locations": []})).status_code == 200
    assert await found(http, location=known["ward"]) == await found(http, location="high street") == []


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("category", ""), ("price_range", " "), ("location", "x" * 201), ("q", "\0"), ("q", "a\0"), ("language", "english"),
        ("language", "en_GB"), ("language", ""), ("limit", "0"), ("cursor", "x"),
    ],
)  # fmt: skip
async def test_what_is_no_filter_is_named(http: httpx2.AsyncClient, name: str, value: str) -> None:
    assert reasons(await http.get(DOCTORS, params={name: value})).keys() == {name}
