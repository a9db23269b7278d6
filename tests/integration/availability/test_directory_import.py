"""Importing doctors over internal HTTP on a real Postgres: who is new, who is known, why a line is rejected, a second run."""

import asyncio
from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from services.availability.service.doctors.import_ import judge_doctors
from shared.contracts.registry import DoctorChanged
from shared.infra.ids import new_id
from shared.infra.lines import LINES_PER_TURN
from tests.integration.availability.availability import Availability
from tests.integration.availability.test_directory import CATEGORIES, DOCTORS, PRICE_RANGES, PRICES, made, reasons
from tests.support import rows
from tests.support.statements import rows_during

IMPORT = f"{DOCTORS}/import"


async def imported(http: httpx2.AsyncClient, *lines: dict[str, str], first: int = 2, dry_run: bool = False) -> Any:
    body = {"lines": [{"line": number, "fields": fields} for number, fields in enumerate(lines, first)]}
    answer = await http.post(IMPORT, json=body, params={"dry_run": dry_run})
    assert answer.status_code == 200, answer.text
    return answer.json()


def report(created: int, known: int, *rejected: tuple[int, str, str]) -> dict[str, Any]:
    names = ("line", "field", "reason")
    return {"created": created, "known": known, "rejected": [dict(zip(names, one, strict=True)) for one in rejected]}


FULL = {
    "external_id": "D-1", "name": "Dr Zoë Lind", "category": " SKIN ", "price_range": "cheap", "languages": "en ;zh-Hant;",
    "location": "Main", "address": "12 High Street", "time_zone": "Europe/London", "code": "",
}  # fmt: skip


@pytest.fixture(autouse=True)
async def _tables(http: httpx2.AsyncClient) -> None:
    await made(http, CATEGORIES, name="Skin")
    await made(http, PRICE_RANGES, name="Cheap", **PRICES)


async def test_a_line_becomes_a_doctor_once(service: Availability, http: httpx2.AsyncClient) -> None:
    assert await imported(http, FULL, {"name": "Ada"}) == report(2, 0)
    ada, zoe = (await http.get(DOCTORS)).json()["items"]
    assert (zoe["code"], zoe["name"], zoe["languages"]) == ("dr-zoe-lind", "Dr Zoë Lind", ["en", "zh-Hant"])
    assert (zoe["category"]["name"], zoe["price_range"]["name"], zoe["version"]) == ("Skin", "Cheap", 1)
    (place,) = zoe["locations"]
    assert {**place, "id": 0} == {
        "id": 0, "name": "Main", "address": "12 High Street", "time_zone": "Europe/London", "translations": None,
    }  # fmt: skip
    assert (ada["code"], ada["languages"], ada["locations"], ada["category"]) == ("ada", [], [], None)
    told = [DoctorChanged.model_validate_json(record.body) for record in service.publisher.records]
    assert {str(change.doctor_id) for change in told} == {ada["id"], zoe["id"]}
    noted = await service.rows("SELECT count(*) FROM audit WHERE action = 'doctor_registered'")
    assert noted == [(2,)]
    assert await imported(http, FULL, {"name": "Ada"}) == report(0, 2)
    assert (await http.get(DOCTORS)).json()["items"] == [ada, zoe]
    assert len(service.publisher.records) == 2


async def test_who_is_known_is_said_by_external_id_else_code_else_name(http: httpx2.AsyncClient) -> None:
    await made(http, DOCTORS, name="Ada")
    lines = [
        {"name": " ADA"},
        {"name": "Other name", "code": "ada"},
        {"name": "Ada", "external_id": "1"},  # another Ada
        {"name": "ADA!", "external_id": "2"},
        {"name": "Eve", "external_id": "1", "category": "None such"},  # known lines change nothing, so nothing of them is judged
        {"name": "Ada", "external_id": "3", "code": "ada"},
    ]
    assert await imported(http, *lines) == report(2, 3, (7, "code", "is taken"))
    assert [one["code"] for one in (await http.get(DOCTORS)).json()["items"]] == ["ada", "ada-2", "ada-3"]
    assert await imported(http, *lines) == report(0, 5, (7, "code", "is taken"))


async def test_codes_are_kept_as_written_and_known_in_any_case(http: httpx2.AsyncClient) -> None:
    lines = [{"name": "Ada", "code": "DR-001"}, {"name": "Eve", "code": "J.Smith"}, {"name": "J smith"}]
    assert await imported(http, *lines) == report(3, 0)
    assert [one["code"] for one in (await http.get(DOCTORS)).json()["items"]] == ["DR-001", "j-smith", "J.Smith"]
    again = [{"name": "Ada", "code": "dr-001"}, {"name": "Eve", "external_id": "1", "code": "j.SMITH"}]
    assert await imported(http, *again) == report(0, 1, (3, "code", "is taken"))


async def test_a_deleted_doctor_is_not_known_and_keeps_the_code(http: httpx2.AsyncClient) -> None:
    await imported(http, {"name": "Ada", "external_id": "1"}, {"name": "Eve"})
    for one in (await http.get(DOCTORS)).json()["items"]:
        await http.delete(f"{DOCTORS}/{one['id']}")
    lines = [{"name": "Ada", "external_id": "1"}, {"name": "Eve"}, {"name": "Eve", "code": "eve"}]
    assert await imported(http, *lines) == report(2, 0, (4, "code", "is taken"))
    assert [one["code"] for one in (await http.get(DOCTORS)).json()["items"]] == ["ada-2", "eve-2"]


async def test_names_that_make_one_code_are_different_doctors(http: httpx2.AsyncClient) -> None:
    lines = [{"name": "林偉"}, {"name": "王芳"}, {"name": "Ada"}, {"name": "Ada!"}]
    assert await imported(http, *lines) == report(4, 0)
    assert [one["code"] for one in (await http.get(DOCTORS)).json()["items"]] == ["ada", "ada-2", "doctor", "doctor-2"]
    assert await imported(http, *lines) == report(0, 4)


@pytest.mark.parametrize(
    ("fields", "blamed"),
    [
        ({}, "name"),
        ({"name": " "}, "name"),
        ({"name": "Ada", "colour": "red"}, "colour"),
        ({"name": "Ada", "code": "No Slug"}, "code"),
        ({"name": "Ada", "languages": "English"}, "languages"),
        ({"name": "Ada", "languages": "en,de"}, "languages"),
        ({"name": "Ada", "languages": ";".join(["en"] * 21)}, "languages"),
        ({"name": "Ada", "time_zone": "Mars/Base", "address": "x"}, "time_zone"),
        ({"name": "Ada", "time_zone": "Europe/London"}, "address"),
        ({"name": "Ada", "location": "Main"}, "address"),
        ({"name": "Ada", "category": "Hair"}, "category"),
        ({"name": "Ada", "price_range": "Dear"}, "price_range"),
    ],
)
async def test_a_bad_line_is_rejected_and_the_others_are_taken(
    http: httpx2.AsyncClient, fields: dict[str, str], blamed: str
) -> None:
    answer = await imported(http, {"name": "Eve"}, fields, {"name": "Lin"})
    assert (answer["created"], answer["known"]) == (2, 0)
    (rejected,) = answer["rejected"]
    assert (rejected["line"], rejected["field"]) == (3, blamed)
    assert [one["code"] for one in (await http.get(DOCTORS)).json()["items"]] == ["eve", "lin"]


async def test_a_dry_run_tells_the_same_and_changes_nothing(service: Availability, http: httpx2.AsyncClient) -> None:
    lines = [FULL, FULL, {"name": "Ada"}, {"name": ""}]
    rehearsed = await imported(http, *lines, dry_run=True)
    assert (await http.get(DOCTORS)).json()["items"] == [] and service.publisher.records == []
    assert rehearsed == await imported(http, *lines)
    assert (rehearsed["created"], rehearsed["known"], len(rehearsed["rejected"])) == (2, 1, 1)


async def test_500_lines_sent_five_times_at_once_are_500_doctors(service: Availability, http: httpx2.AsyncClient) -> None:
    lines = [{**FULL, "external_id": str(number), "name": f"Dr {number % 50} Lind"} for number in range(500)]
    reports = await asyncio.gather(*(imported(http, *lines) for _ in range(5)))
    assert sorted((one["created"], one["known"]) for one in reports) == [(0, 500)] * 4 + [(500, 0)]
    assert await service.rows("SELECT count(*), count(DISTINCT code) FROM doctors") == [(500, 500)]


async def test_what_is_no_import_is_refused(http: httpx2.AsyncClient) -> None:
    assert reasons(await http.post(IMPORT, json={"lines": []})).keys() == {"lines"}
    lines = [{"line": 0, "fields": {}}, {"line": 1, "fields": {"name": 5}}, {"fields": {}}]
    fields = {"lines.0.line", "lines.1.fields.name", "lines.2.line"}
    assert reasons(await http.post(IMPORT, json={"lines": lines})).keys() == fields


async def test_of_a_large_clinic_only_the_doctors_are_read_that_lines_can_meet(
    service: Availability, http: httpx2.AsyncClient, superuser: Callable[..., Any]
) -> None:
    doctors = [new_id() for _ in range(3000)]
    async with service.database.batch({service.clinic}) as (connection, _):
        await rows.add_doctors(connection, service.clinic, doctors, "active")
    lines = [FULL, {"name": "Grace"}, {"name": "Eve", "code": "eve"}, {"name": "Zoë"}]
    work = imported(http, *lines)
    assert await rows_during(await superuser("availability"), "availability_app", work) < 60
    assert await imported(http, *lines) == report(0, 4)


async def test_names_are_known_however_they_are_written(http: httpx2.AsyncClient) -> None:
    names = ["Dr  Ada   Lind", "STRASSE", "Zoe\u0308", "O\u2019Neill", "\uff21\uff22\uff23", "Anna-Lena"]
    for name in names:
        await made(http, DOCTORS, name=name)
    others = ["dr ada lind", "Straße", "ZOË", "o'neill", "abc", "anna\u2010lena"]
    assert await imported(http, *({"name": name} for name in others)) == report(0, len(names))


async def test_codes_that_were_made_of_a_name_are_met_by_it(http: httpx2.AsyncClient) -> None:
    for code in ("ada", "Ada-2", "ada-lind", "ada.x", "adam"):
        await made(http, DOCTORS, name=f"Somebody {code}", code=code)
    assert await imported(http, {"name": "Ada"}, {"name": "Ada!"}) == report(2, 0)
    codes = {one["code"] for one in (await http.get(DOCTORS)).json()["items"]}
    assert codes == {"ada", "Ada-2", "ada-3", "ada-4", "ada-lind", "ada.x", "adam"}


async def test_others_get_their_turn_while_lines_are_judged() -> None:
    """And no transaction is open: none is given."""
    lines = [{"line": number, "fields": {"name": f"Dr {number}"}} for number in range(1, 501)]
    judging, turns = asyncio.ensure_future(judge_doctors({"lines": lines})), 0
    while not judging.done():
        await asyncio.sleep(0)
        turns += 1
    assert len((await judging).lines) == 500 and turns >= 500 / LINES_PER_TURN
