"""Finding patients over internal HTTP on a real Postgres: by number, by words of the name, page by page."""

from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from shared.contracts import internal
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA, BYRON, IN_FULL, NUMBER, bad_fields, registered

pytestmark = pytest.mark.integration


async def find(client: AsyncClient, **query: str) -> list[str]:
    answer = await client.get("/internal/patients", params=query)
    assert answer.status_code == 200, answer.text
    return [item["name"] for item in answer.json()["items"]]


async def pages(client: AsyncClient, **query: Any) -> list[list[str]]:
    """The names of all pages of a search."""
    shown, cursor = [], None
    while True:
        page = (await client.get("/internal/patients", params={**query, **({"cursor": cursor} if cursor else {})})).json()
        shown.append([item["name"] for item in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            return shown


async def test_numbers_find_exactly_in_any_spelling(client: AsyncClient) -> None:
    await registered(client, IN_FULL)
    await registered(client, {**BYRON, "phone": ADA["phone"]}, on_duplicate="create")
    assert await find(client, phone="+44 (0)20 7946 0018") == ["Ada Lovelace", "Byron King"]
    assert await find(client, nhs_number="9434765919") == await find(client, nhs_number=NUMBER) == ["Ada Lovelace"]
    assert (
        await find(client, nhs_number="943\u2011476\u00a05919")
        == await find(client, nhs_number="９４３４７６５９１９")
        == ["Ada Lovelace"]
    )
    assert await find(client, phone="020 7946 0018", name="byron") == ["Byron King"]
    assert await find(client, phone="020 7946 0018", nhs_number=NUMBER, name="ada") == ["Ada Lovelace"]
    assert await find(client, phone="020 7946 0011") == await find(client, nhs_number="401 023 2137") == []


async def test_a_number_finds_all_who_have_it_and_with_its_extension_the_one(client: AsyncClient) -> None:
    for name, extension in (("Ada", "x12"), ("Byron", "x13"), ("Reception", "")):
        await registered(client, {"name": name, "phone": f"0161 496 3154 {extension}"})
    assert await find(client, phone="0161 496 3154") == ["Ada", "Byron", "Reception"]
    assert await find(client, phone="+44 161 496 3154 ext 13") == ["Byron"]


async def test_a_plus_that_was_not_encoded_is_a_plus(client: AsyncClient) -> None:
    await registered(client, {"name": "Lars", "phone": "+45 32 58 63 90"})
    answer = await client.get("/internal/patients?phone=+4532586390")
    assert [one["name"] for one in answer.json()["items"]] == ["Lars"]


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("ada", ["Ada Lovelace", "Adam Smith", "Mary Ada_Jones"]),
        ("ADA  love", ["Ada Lovelace"]),
        ("lovelace ada", ["Ada Lovelace"]),
        ("ａｄａ lov", ["Ada Lovelace"]),
        ("velace", []),
        ("ada_", ["Mary Ada_Jones"]),
        ("%", []),
        ("straße", ["Anna Strasse"]),
        ("\\", []),
    ],
)
async def test_every_word_begins_a_word_of_the_name(client: AsyncClient, name: str, found: list[str]) -> None:
    everybody = ("Ada Lovelace", "Mary Ada_Jones", "Anna Strasse", "Adam Smith")
    for number, one in enumerate(everybody):
        await registered(client, {"name": one, "phone": f"020 7946 00{number:02}"})
    assert await find(client, name=name) == found


SPELLED = {
    "José Núñez": ["jose", "nunez", "José", "NÚÑEZ jose"],
    "Nguyễn Thị Hồng": ["nguyen", "thi hong", "Nguyễn"],
    "Jürgen Müller": ["muller", "jurgen mul", "Müller"],
    "Søren Ærø": ["soren", "aero", "SØREN"],
    "Łukasz Wójcik": ["lukasz", "wojcik"],
    "Siân O’Neill": ["O'Neill", "oneill", "sian o’ne"],
    "Ann‑Marie Lovelace-Okafor": ["ann-marie", "marie", "okafor", "ann marie"],
    "Đặng Văn": ["dang van"],
}


async def test_names_are_found_as_they_can_be_typed(client: AsyncClient) -> None:
    for number, one in enumerate(SPELLED, 10):
        await registered(client, {"name": one, "phone": f"020 7946 00{number}"})
    for whole, typed in SPELLED.items():
        for name in typed:
            assert await find(client, name=name) == [whole], name
    for nobody in ("neill", "ose", "-", "'", "'-"):
        assert await find(client, name=nobody) == [], nobody


async def test_a_name_that_was_changed_is_found_by_its_new_words_only(client: AsyncClient) -> None:
    patient = await registered(client, {"name": "José Núñez", "phone": "020 7946 0010"})
    await client.patch(f"/internal/patients/{patient}", json={"name": "José Ortega"})
    assert await find(client, name="ortega jose") == ["José Ortega"]
    assert await find(client, name="nunez") == []


async def test_without_filters_all_active_patients_are_listed_in_order_of_name(client: AsyncClient, booking: Booking) -> None:
    names = [f"{first} {last}" for first in ("Ann", "bob", "Cy") for last in ("Ames", "Birt", "Cole")]
    ids = {
        name: await registered(client, {"name": name, "phone": f"020 7946 00{n:02}"}) for n, name in enumerate(reversed(names))
    }
    assert await pages(client) == [names]
    assert await pages(client, limit=4) == [names[:4], names[4:8], names[8:]]
    assert await pages(client, limit=3) == [names[:3], names[3:6], names[6:]], "no empty page at the end"
    assert await pages(client, limit=2, name="b") == [["Ann Birt", "bob Ames"], ["bob Birt", "bob Cole"], ["Cy Birt"]]
    await client.delete(f"/internal/patients/{ids['Ann Birt']}")
    await client.post(f"/internal/patients/{ids['Cy Ames']}/merge", json={"into": ids["Cy Cole"]})
    assert (await pages(client))[0] == [name for name in names if name not in ("Ann Birt", "Cy Ames")]
    elsewhere = {internal.CLINIC: str(await booking.make_known(uuid4()))}
    assert (await client.get("/internal/patients", headers=elsewhere)).json()["items"] == []


async def test_patients_of_one_name_are_all_listed_and_a_cursor_names_nobody(client: AsyncClient) -> None:
    made = {await registered(client, {"name": "Ada", "phone": f"020 7946 00{n}"}) for n in range(10, 17)}
    first = (await client.get("/internal/patients", params={"limit": 3})).json()
    assert "Ada" not in first["next_cursor"]
    seen, cursor = {item["id"] for item in first["items"]}, first["next_cursor"]
    while cursor:
        page = (await client.get("/internal/patients", params={"limit": 3, "cursor": cursor})).json()
        assert not seen & {item["id"] for item in page["items"]}
        seen |= {item["id"] for item in page["items"]}
        cursor = page["next_cursor"]
    assert seen == made


async def test_a_page_goes_on_behind_who_was_deleted_meanwhile(client: AsyncClient) -> None:
    ids = [await registered(client, {"name": name, "phone": f"020 7946 00{n}"}) for n, name in enumerate("ABCD", 10)]
    first = (await client.get("/internal/patients", params={"limit": 2})).json()
    await client.delete(f"/internal/patients/{ids[1]}")
    assert await find(client, cursor=first["next_cursor"]) == ["C", "D"]


@pytest.mark.parametrize(
    ("query", "fields"),
    [
        ({"phone": "1", "nhs_number": "943 476 5918"}, {"phone", "nhs_number"}),
        ({"phone": "", "nhs_number": "", "name": " "}, {"phone", "nhs_number", "name"}),
        ({"name": "a\0"}, {"name"}),
        ({"cursor": "x"}, {"cursor"}),
        ({"cursor": "WyJ4Il0"}, {"cursor"}),
        ({"limit": "0"}, {"limit"}),
    ],
)
async def test_what_finds_nobody_by_its_form_is_named(client: AsyncClient, query: dict[str, str], fields: set[str]) -> None:
    assert bad_fields(await client.get("/internal/patients", params=query)) == fields
