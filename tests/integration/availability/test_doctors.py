"""Doctors over internal HTTP on a real Postgres: codes, repeats of a key, races, pages, other clinics."""

import asyncio
from typing import Any
from uuid import uuid4, uuid5

import asyncpg
import httpx2
import pytest

from shared.contracts import internal
from shared.contracts.envelope import RegistryMessage
from shared.contracts.registry import DoctorChanged
from shared.contracts.topics import REGISTRY_EVENTS
from tests.integration.availability.availability import Availability

DOCTORS = "/internal/doctors"


def keyed(command: object) -> dict[str, str]:
    return {internal.COMMAND_ID: str(command)}


async def registered(http: httpx2.AsyncClient, **body: Any) -> Any:
    answer = await http.post(DOCTORS, json={"name": "Ada Osei", **body})
    assert answer.status_code == 201, answer.text
    return answer.json()


def announced(service: Availability) -> list[RegistryMessage]:
    assert {record.topic for record in service.publisher.records} <= {REGISTRY_EVENTS.name}
    return [DoctorChanged.model_validate_json(record.body) for record in service.publisher.records]


async def test_a_doctor_is_registered_announced_and_read(service: Availability, http: httpx2.AsyncClient) -> None:
    made = await registered(http, name=" Dr Zoë Lind ", languages=["en", "zh-Hant"])
    assert {**made, "id": 0} == {
        "id": 0, "code": "dr-zoe-lind", "name": "Dr Zoë Lind", "languages": ["en", "zh-Hant"], "status": "active", "version": 1,
        "category": None, "price_range": None, "locations": [],
    }  # fmt: skip
    assert (await http.get(f"{DOCTORS}/{made['id']}")).json() == made
    (change,) = announced(service)
    assert (str(change.entity_id), change.clinic_id, change.version) == (made["id"], service.clinic, 1)


async def test_codes_made_from_one_name_differ(http: httpx2.AsyncClient) -> None:
    await registered(http, code="ada-osei-3")
    codes = [(await registered(http))["code"] for _ in range(3)]
    assert codes == ["ada-osei", "ada-osei-2", "ada-osei-4"]


async def test_a_name_registered_30_times_at_once_gets_30_codes(http: httpx2.AsyncClient) -> None:
    made = await asyncio.gather(*(registered(http) for _ in range(30)))
    assert {one["code"] for one in made} == {"ada-osei", *(f"ada-osei-{n}" for n in range(2, 31))}


async def test_a_code_is_taken_once(service: Availability, http: httpx2.AsyncClient) -> None:
    answers = await asyncio.gather(*(http.post(DOCTORS, json={"name": "Ada", "code": "ada"}) for _ in range(10)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 9
    assert {answer.json()["code"] for answer in answers} == {"ada", "duplicate_code"}
    assert len(await service.rows("SELECT FROM doctors")) == 1


async def test_another_clinic_may_have_the_same_code_and_sees_nothing(service: Availability, http: httpx2.AsyncClient) -> None:
    made = await registered(http, code="ada")
    there = {internal.CLINIC: str(await service.make_known(uuid4()))}
    assert (await http.get(f"{DOCTORS}/{made['id']}", headers=there)).json()["code"] == "unknown_doctor"
    assert (await http.get(DOCTORS, headers=there)).json() == {"items": [], "next_cursor": None}
    assert (await http.post(DOCTORS, json={"name": "Ada", "code": "ada"}, headers=there)).status_code == 201


async def test_one_key_50_times_at_once_is_one_doctor_and_one_answer(service: Availability, http: httpx2.AsyncClient) -> None:
    command = uuid4()
    body = {"name": "Ada Osei"}
    answers = await asyncio.gather(*(http.post(DOCTORS, json=body, headers=keyed(command)) for _ in range(50)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, answers[0].text)}
    assert answers[0].json()["id"] == str(uuid5(command, "doctor"))
    assert sorted(answer.headers.get("Idempotent-Replayed", "") for answer in answers) == [""] + ["true"] * 49
    assert len(await service.rows("SELECT FROM doctors")) == 1
    assert len(announced(service)) == 1


async def test_a_key_of_another_request_is_refused(http: httpx2.AsyncClient) -> None:
    command = uuid4()
    assert (await http.post(DOCTORS, json={"name": "Ada"}, headers=keyed(command))).status_code == 201
    other = await http.post(DOCTORS, json={"name": "Lin"}, headers=keyed(command))
    assert (other.status_code, other.json()["code"]) == (422, "key_reused")
    spelled = await http.post(DOCTORS, json={"languages": [], "name": " Ada "}, headers=keyed(command))
    assert spelled.headers["Idempotent-Replayed"] == "true"


async def test_a_refusal_is_not_kept(http: httpx2.AsyncClient) -> None:
    await registered(http, code="ada")
    command = uuid4()
    body = {"name": "Lin", "code": "ada"}
    for _ in range(2):
        refused = await http.post(DOCTORS, json=body, headers=keyed(command))
        assert refused.json()["code"] == "duplicate_code" and "Idempotent-Replayed" not in refused.headers


async def test_a_code_is_kept_as_written_and_unique_whatever_its_case(service: Availability, http: httpx2.AsyncClient) -> None:
    made = await registered(http, code=" DR-001 ")
    assert made["code"] == "DR-001"
    for code in ("DR-001", "dr-001", "Dr-001"):
        refused = await http.post(DOCTORS, json={"name": "Lin", "code": code})
        assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_code")
    with pytest.raises(asyncpg.UniqueViolationError):
        await service.rows("UPDATE doctors SET code = 'dR-001' WHERE code = $1", (await registered(http, code="other"))["code"])


async def test_a_made_code_gives_way_to_one_of_another_case(http: httpx2.AsyncClient) -> None:
    await registered(http, code="ADA-OSEI")
    assert (await registered(http, name="Ada Osei"))["code"] == "ada-osei-2"


async def test_a_refused_code_is_told_what_a_code_is(http: httpx2.AsyncClient) -> None:
    refused = await http.post(DOCTORS, json={"name": "Ada", "code": "Ada #1"})
    (error,) = refused.json()["errors"]
    assert error == {"field": "code", "reason": "may have letters (A to Z, a to z), digits and . _ - / only"}


async def test_pages_go_in_order_of_code(http: httpx2.AsyncClient) -> None:
    for code in ("b", "A-1", "C", "a", "a2"):
        await registered(http, code=code)
    found, cursor = [], None
    while True:
        page = (await http.get(DOCTORS, params={"limit": 2, **({"cursor": cursor} if cursor else {})})).json()
        found.append([one["code"] for one in page["items"]])
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert found == [["a", "A-1"], ["a2", "b"], ["C"]]


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"name"}),
        ({"name": " ", "code": "No Slug", "nickname": "A"}, {"name", "code", "nickname"}),
        ({"name": "x" * 201, "languages": ["english"] * 21}, {"name", "languages"}),
        ({"name": 7, "languages": ["!"]}, {"name", "languages.0"}),
        ({"name": "A\0da"}, {"name"}),
    ],
)
async def test_every_bad_field_is_named(http: httpx2.AsyncClient, body: dict[str, Any], fields: set[str]) -> None:
    refused = await http.post(DOCTORS, json=body)
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == fields


async def test_what_is_no_request_is_refused(http: httpx2.AsyncClient) -> None:
    assert (await http.post(DOCTORS, content=b"{")).json()["code"] == "invalid_json"
    assert (await http.get(DOCTORS, params={"cursor": "?"})).status_code == 422
    assert (await http.get(f"{DOCTORS}/ada")).json()["errors"][0]["field"] == "doctor_id"
    assert (await http.get(f"{DOCTORS}/{uuid4()}")).status_code == 404
    nobody = await http.get(DOCTORS, headers={internal.CLINIC: "default"})
    assert (nobody.status_code, nobody.json()["errors"][0]["field"]) == (422, internal.CLINIC)
