"""Patients over internal HTTP on a real Postgres: one person is one row, keys repeat, families share phones."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from dirty_equals import IsDatetime, IsList, IsPartialDict, IsUUID
from httpx2 import AsyncClient, Response

from tests.integration.booking.desk import Desk

pytestmark = pytest.mark.integration

ADA = {"name": "Ada Lovelace", "phone": "020 7946 0018", "date_of_birth": "1990-12-10"}


async def register(client: AsyncClient, body: dict[str, Any] | bytes, key: object = None, **query: str) -> Response:
    headers = {} if key is None else {"Frontdesk-Command-Id": str(key)}
    content = body if isinstance(body, bytes) else orjson.dumps(body)
    return await client.post("/internal/patients", content=content, headers=headers, params=query)


async def count(desk: Desk, table: str = "patients") -> int:
    async with desk.database.batch({desk.clinic}) as (connection, _):
        found: int = await connection.fetchval(f"SELECT count(*) FROM {table}")
    return found


async def test_a_registered_patient_is_read_as_it_was_answered_and_announced_without_a_name(
    client: AsyncClient, desk: Desk
) -> None:
    made = await register(client, ADA)
    assert made.status_code == 201
    assert made.json() == {
        "id": IsUUID, "name": "Ada Lovelace", "phone": "+442079460018", "date_of_birth": "1990-12-10", "status": "active",
        "version": 1, "created_at": IsDatetime(iso_string=True), "updated_at": IsDatetime(iso_string=True),
    }  # fmt: skip
    read = await client.get(f"/internal/patients/{made.json()['id']}")
    assert read.status_code == 200 and read.json() == made.json()
    (record,) = desk.publisher.records
    said = orjson.loads(record.body)
    assert (record.topic, said["type"], said["patient_id"]) == ("registry.events", "PatientChanged", made.json()["id"])
    assert said["actor"] == "desk" and said["correlation_id"] == made.headers["Request-Id"]
    assert not any(canary in record.body for canary in (b"Ada", b"79460018", b"1990-12-10"))


@pytest.mark.parametrize("name", ["ada  LOVELACE", " Ada Lovelace ", "Ａda Lovelace"])
async def test_the_same_person_is_the_existing_patient(client: AsyncClient, desk: Desk, name: str) -> None:
    first = await register(client, ADA)
    again = await register(client, {**ADA, "name": name, "phone": "+44 20 7946 0018"})
    assert again.status_code == 200 and again.json() == first.json()
    assert await count(desk) == 1 and len(desk.publisher.records) == 1


@pytest.mark.parametrize("other", [{"name": "Byron Lovelace"}, {"date_of_birth": "1991-12-10"}, {"date_of_birth": None}])
async def test_who_shares_only_a_phone_is_a_possible_duplicate(client: AsyncClient, desk: Desk, other: dict[str, Any]) -> None:
    first = (await register(client, ADA)).json()["id"]
    refused = await register(client, {**ADA, **other})
    assert refused.status_code == 409
    assert refused.json() == IsPartialDict(code="possible_duplicate", candidates=[first])
    made = await register(client, {**ADA, **other}, on_duplicate="create")
    assert made.status_code == 201 and await count(desk) == 2
    third = await register(client, {**ADA, "name": "Somebody Else"})
    assert third.json()["candidates"] == IsList(first, made.json()["id"])
    assert (await register(client, {**ADA, **other})).json()["id"] == made.json()["id"]


async def test_missing_dates_of_birth_agree_with_each_other(client: AsyncClient) -> None:
    body = {"name": "Ada", "phone": "020 7946 0018"}
    assert [(await register(client, body)).status_code for _ in range(2)] == [201, 200]


async def test_fifty_registrations_of_one_person_at_once_make_one_row(client: AsyncClient, desk: Desk) -> None:
    answers = await asyncio.gather(*(register(client, ADA) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1 and await count(desk) == 1


async def test_one_key_fifty_times_at_once_is_one_answer(client: AsyncClient, desk: Desk) -> None:
    key = uuid4()
    answers = await asyncio.gather(*(register(client, ADA, key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201} and len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 49
    assert await count(desk) == 1 and await count(desk, "outcomes") == 1


async def test_a_repeated_key_repeats_its_answer_also_when_it_was_no_new_patient(client: AsyncClient) -> None:
    key = uuid4()
    await register(client, ADA)
    first, again = await register(client, ADA, key), await register(client, {**ADA, "phone": "+442079460018"}, key)
    assert (first.status_code, again.status_code) == (200, 200) and first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"


async def test_one_key_with_other_bodies_at_once_is_one_patient(client: AsyncClient, desk: Desk) -> None:
    key = uuid4()
    bodies = [{**ADA, "phone": f"020 7946 00{number}"} for number in range(10, 30)]
    answers = await asyncio.gather(*(register(client, body, key) for body in bodies))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == 19 and {(one.status_code, one.json()["code"]) for one in refused} == {(422, "key_reused")}
    assert await count(desk) == 1


async def test_a_refused_registration_leaves_nothing_behind_its_key(client: AsyncClient, desk: Desk) -> None:
    key = uuid4()
    await register(client, ADA)
    assert (await register(client, {**ADA, "name": "Byron"}, key)).status_code == 409
    assert (await register(client, {**ADA, "name": "Byron"}, key, on_duplicate="create")).status_code == 201
    assert await count(desk, "outcomes") == 1


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({**ADA, "phone": "none", "date_of_birth": "2999-01-01", "nhs_number": "1"}, {"phone", "date_of_birth", "nhs_number"}),
        ({"name": 7}, {"name", "phone"}),
        ({**ADA, "name": "x" * 201}, {"name"}),
        ([], {"body"}),
    ],
)
async def test_every_bad_field_is_named(client: AsyncClient, body: Any, fields: set[str]) -> None:
    refused = await register(client, orjson.dumps(body))
    assert refused.status_code == 422 and refused.headers["Content-Type"] == "application/problem+json"
    assert {error["field"] for error in refused.json()["errors"]} == fields


async def test_what_is_no_json_is_400_and_another_wish_is_422(client: AsyncClient) -> None:
    assert (await register(client, b"{")).status_code == 400
    assert (await register(client, ADA, on_duplicate="merge")).status_code == 422


async def test_the_clinics_region_reads_its_phones(client: AsyncClient, desk: Desk) -> None:
    await desk.settings(region="HK")
    assert (await register(client, {"name": "Chan", "phone": "2123 4567"})).json()["phone"] == "+85221234567"


async def test_another_clinics_patient_is_absent_and_its_phone_no_duplicate(client: AsyncClient) -> None:
    made, elsewhere = await register(client, ADA), {"Frontdesk-Clinic": str(uuid4())}
    read = await client.get(f"/internal/patients/{made.json()['id']}", headers=elsewhere)
    assert read.status_code == 404 and read.json()["code"] == "unknown_patient"
    again = await client.post("/internal/patients", json=ADA, headers=elsewhere)
    assert again.status_code == 201 and again.json()["id"] != made.json()["id"]


async def test_an_absent_patient_is_404_and_a_malformed_id_or_clinic_422(client: AsyncClient) -> None:
    assert (await client.get(f"/internal/patients/{uuid4()}")).status_code == 404
    assert (await client.get("/internal/patients/7")).status_code == 422
    assert (await client.get(f"/internal/patients/{uuid4()}", headers={"Frontdesk-Clinic": "x"})).status_code == 422
