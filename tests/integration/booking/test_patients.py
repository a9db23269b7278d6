"""Patients over internal HTTP on a real Postgres: one person is one row, keys repeat, families share phones."""

import asyncio
from typing import Any
from uuid import uuid4

import orjson
import pytest
from dirty_equals import IsDatetime, IsList, IsPartialDict, IsUUID
from httpx2 import AsyncClient

from shared.contracts import internal
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA, BYRON, IN_FULL, NUMBER, bad_fields, count, refusal, register, registered

pytestmark = pytest.mark.integration


async def test_a_registered_patient_is_read_as_it_was_answered_and_announced_without_a_name(
    client: AsyncClient, booking: Booking
) -> None:
    made = await register(client, ADA)
    assert made.status_code == 201
    assert made.json() == {
        "id": IsUUID, "name": "Ada Lovelace", "phone": "+442079460018", "phone_extension": None, "date_of_birth": "1990-12-10",
        "status": "active", "email": None, "nhs_number": None, "postcode": None, "address": None, "merged_into": None,
        "version": 1, "created_at": IsDatetime(iso_string=True), "updated_at": IsDatetime(iso_string=True),
    }  # fmt: skip
    read = await client.get(f"/internal/patients/{made.json()['id']}")
    assert read.status_code == 200 and read.json() == made.json() and read.headers["ETag"] == made.headers["ETag"] == '"v1"'
    (record,) = booking.publisher.records
    emitted = orjson.loads(record.body)
    assert (record.topic, emitted["type"], emitted["patient_id"]) == ("registry.events", "PatientChanged", made.json()["id"])
    assert emitted["actor"] == "desk" and emitted["correlation_id"] == made.headers["Request-Id"]
    assert not any(canary in record.body for canary in (b"Ada", b"79460018", b"1990-12-10"))


async def test_patients_that_are_written_as_rows_are_read(client: AsyncClient, booking: Booking) -> None:
    """The benchmarks' are: one that cannot be read is asked for at every booking, and measured with it."""
    patient = str(await booking.patient())
    read = await client.get(f"/internal/patients/{patient}")
    assert (read.status_code, read.json()) == (200, IsPartialDict(id=patient, status="active"))


async def test_all_fields_are_kept_sealed_and_read_as_their_rules_write_them(client: AsyncClient, booking: Booking) -> None:
    made = (await register(client, IN_FULL)).json()
    assert made == IsPartialDict(
        email="Ada@example.com",
        nhs_number=NUMBER,
        postcode="SW1A 1AA",
        address="12 St James's Square",
        date_of_birth="1990-12-10",
    )
    assert (await client.get(f"/internal/patients/{made['id']}")).json() == made
    row = await booking.patient_row(made["id"])
    identifying = ("phone", "date_of_birth", "email", "nhs_number", "postcode", "address")
    assert row["nhs_number"] == b"9434765919" and all(isinstance(row[field], bytes) for field in identifying)
    assert len(row["nhs_index"]) == len(row["phone_index"]) == 32 and row["external_index"] is None
    assert await booking.effects(made["id"]) == ["patient_registered"]


async def test_a_name_may_come_in_two_parts(client: AsyncClient) -> None:
    parts = {"given_name": " Ada ", "family_name": "Lovelace"}
    made = await register(client, {**parts, "phone": ADA["phone"], "date_of_birth": ADA["date_of_birth"]})
    assert made.json()["name"] == "Ada Lovelace" and (await register(client, ADA)).json()["id"] == made.json()["id"]


@pytest.mark.parametrize("name", ["ada  LOVELACE", " Ada Lovelace ", "Ａda Lovelace", "Ada\u200b Love\u00adlace"])
async def test_the_same_person_is_the_existing_patient(client: AsyncClient, booking: Booking, name: str) -> None:
    first = await register(client, ADA)
    again = await register(client, {**ADA, "name": name, "phone": "+44 20 7946 0018"})
    assert again.status_code == 200 and again.json() == first.json()
    assert await count(booking) == 1 and len(booking.publisher.records) == 1


@pytest.mark.parametrize("name", ["O’Brien-Lind", "Oʼbrien\u2010Lind", "O`Brien\u2011LIND", "O'Brien\u2013Lind"])
async def test_apostrophes_and_hyphens_of_other_keyboards_are_the_same_person(client: AsyncClient, name: str) -> None:
    first = (await register(client, {**ADA, "name": "O'Brien-Lind"})).json()
    again = await register(client, {**ADA, "name": name})
    assert (again.status_code, again.json()) == (200, first)


@pytest.mark.parametrize("other", [{"name": "Byron Lovelace"}, {"date_of_birth": "1991-12-10"}, {"date_of_birth": None}])
async def test_who_shares_only_a_phone_is_a_possible_duplicate(
    client: AsyncClient, booking: Booking, other: dict[str, Any]
) -> None:
    first = (await register(client, ADA)).json()["id"]
    refused = await register(client, {**ADA, **other})
    assert refused.status_code == 409
    assert refused.json() == IsPartialDict(code="possible_duplicate", candidates=[first])
    made = await register(client, {**ADA, **other}, on_duplicate="create")
    assert made.status_code == 201 and await count(booking) == 2
    third = await register(client, {**ADA, "name": "Somebody Else"})
    assert third.json()["candidates"] == IsList(first, made.json()["id"])
    assert (await register(client, {**ADA, **other})).json()["id"] == made.json()["id"]


async def test_residents_of_a_home_share_a_number_and_have_extensions(client: AsyncClient, booking: Booking) -> None:
    home = "0161 496 3154"
    first = (await register(client, {"name": "Ada Lovelace", "phone": f"{home} x12"})).json()
    assert (first["phone"], first["phone_extension"]) == ("+441614963154", "12")
    assert (await register(client, {"name": "Byron King", "phone": f"{home};ext=13"})).status_code == 201
    separate = {"name": "Ada Lovelace", "phone": home, "phone_extension": "12"}
    assert (await register(client, separate)).json() == first
    in_her_room = await register(client, {"name": "Mary King", "phone": f"{home} #12"})
    assert refusal(in_her_room) == (409, "possible_duplicate", [first["id"]])
    without = await register(client, {"name": "Ada Lovelace", "phone": home})
    assert refusal(without) == (409, "possible_duplicate", [first["id"]]), "the same person, who left the extension out"
    row = await booking.patient_row(first["id"])
    assert row["phone_extension"] == b"12" and len(row["extension_index"]) == 32


@pytest.mark.parametrize(
    "phone", [{"phone_extension": "13"}, {"phone_extension": "twelve"}, {"phone_extension": "1" * 21}, {"phone_extension": ""}]
)
async def test_an_extension_that_is_none_or_another_than_in_the_phone_is_named(
    client: AsyncClient, phone: dict[str, str]
) -> None:
    assert bad_fields(await register(client, {"name": "Ada", "phone": "0161 496 3154 x12", **phone})) == {"phone_extension"}


async def test_one_request_in_two_spellings_is_one_request(client: AsyncClient) -> None:
    key = uuid4()
    first = await register(client, {"name": "Ada", "phone": "0161 496 3154 x12"}, key)
    again = await register(client, {"name": "Ada", "phone": "0161 496 3154", "phone_extension": "12"}, key)
    assert again.headers["Idempotent-Replayed"] == "true" and again.json() == first.json()


async def test_missing_dates_of_birth_agree_with_each_other(client: AsyncClient) -> None:
    body = {"name": "Ada", "phone": "020 7946 0018"}
    assert [(await register(client, body)).status_code for _ in range(2)] == [201, 200]


async def test_fifty_registrations_of_one_person_at_once_make_one_row(client: AsyncClient, booking: Booking) -> None:
    answers = await asyncio.gather(*(register(client, ADA) for _ in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] * 49 + [201]
    assert len({answer.json()["id"] for answer in answers}) == 1 and await count(booking) == 1


async def test_fifty_registrations_with_twenty_five_keys_twice_make_one_row(client: AsyncClient, booking: Booking) -> None:
    keys = [uuid4() for _ in range(25)] * 2
    answers = await asyncio.gather(*(register(client, IN_FULL, key) for key in keys))
    assert len({answer.json()["id"] for answer in answers}) == 1 and await count(booking) == 1
    by_key = {key: {a.status_code for a, k in zip(answers, keys, strict=True) if k == key} for key in keys}
    assert sorted(map(sorted, by_key.values())) == [[200]] * 24 + [[201]], "a key has one answer"
    assert sum(answer.headers.get("Idempotent-Replayed") == "true" for answer in answers) == 25


async def test_an_nhs_number_belongs_to_one_active_patient(client: AsyncClient) -> None:
    first = await registered(client, IN_FULL)
    assert refusal(await register(client, {**BYRON, "nhs_number": "9434765919"})) == (409, "nhs_number_taken", [first])
    assert (await register(client, {**ADA, "nhs_number": "401 023 2137"})).json()["id"] == first, (
        "the same person: nothing is written"
    )
    await client.delete(f"/internal/patients/{first}")
    assert (await register(client, {**BYRON, "nhs_number": NUMBER})).status_code == 201


async def test_an_nhs_number_that_stands_for_none_is_nobodys(client: AsyncClient) -> None:
    for number in ("9999999999", "111 111 1111", "０００ ０００ ００００"):
        assert bad_fields(await register(client, {**BYRON, "nhs_number": number})) == {"nhs_number"}
    patient = await registered(client, BYRON)
    assert bad_fields(await client.patch(f"/internal/patients/{patient}", json={"nhs_number": "9999999999"})) == {"nhs_number"}


async def test_who_shares_a_phone_and_has_anothers_number_is_first_a_possible_duplicate(client: AsyncClient) -> None:
    first, other = await registered(client, ADA), await registered(client, {**BYRON, "nhs_number": NUMBER})
    both = {"name": "Somebody", "phone": ADA["phone"], "nhs_number": NUMBER}
    assert refusal(await register(client, both)) == (409, "possible_duplicate", [first])
    assert refusal(await register(client, both, on_duplicate="create")) == (409, "nhs_number_taken", [other])


async def test_one_nhs_number_at_many_phones_at_once_is_one_patient(client: AsyncClient, booking: Booking) -> None:
    bodies = [{**ADA, "phone": f"020 7946 00{number}", "nhs_number": NUMBER} for number in range(10, 40)]
    answers = await asyncio.gather(*(register(client, body) for body in bodies))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 29 and await count(booking) == 1


async def test_one_key_fifty_times_at_once_is_one_answer(client: AsyncClient, booking: Booking) -> None:
    key = uuid4()
    answers = await asyncio.gather(*(register(client, ADA, key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201} and len({answer.content for answer in answers}) == 1
    assert [answer.headers.get("Idempotent-Replayed") for answer in answers].count("true") == 49
    assert await count(booking) == 1 and await count(booking, "outcomes") == 1


async def test_a_repeated_key_repeats_its_answer_also_when_it_was_no_new_patient(client: AsyncClient) -> None:
    key = uuid4()
    await register(client, ADA)
    first, again = await register(client, ADA, key), await register(client, {**ADA, "phone": "+442079460018"}, key)
    assert (first.status_code, again.status_code) == (200, 200) and first.json() == again.json()
    assert "Idempotent-Replayed" not in first.headers and again.headers["Idempotent-Replayed"] == "true"


async def test_one_key_with_other_bodies_at_once_is_one_patient(client: AsyncClient, booking: Booking) -> None:
    key = uuid4()
    bodies = [{**ADA, "phone": f"020 7946 00{number}"} for number in range(10, 30)]
    answers = await asyncio.gather(*(register(client, body, key) for body in bodies))
    refused = [answer for answer in answers if answer.status_code != 201]
    assert len(refused) == 19 and {(one.status_code, one.json()["code"]) for one in refused} == {(422, "key_reused")}
    assert await count(booking) == 1


async def test_a_refused_registration_leaves_nothing_behind_its_key(client: AsyncClient, booking: Booking) -> None:
    key = uuid4()
    await register(client, ADA)
    assert (await register(client, {**ADA, "name": "Byron"}, key)).status_code == 409
    assert (await register(client, {**ADA, "name": "Byron"}, key, on_duplicate="create")).status_code == 201
    assert await count(booking, "outcomes") == 1


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
    assert refused.headers["Content-Type"] == "application/problem+json"
    assert bad_fields(refused) == fields


async def test_what_is_no_json_is_400_and_another_wish_is_422(client: AsyncClient) -> None:
    assert (await register(client, b"{")).status_code == 400
    assert (await register(client, ADA, on_duplicate="merge")).status_code == 422


async def test_the_clinics_region_reads_its_phones(client: AsyncClient, booking: Booking) -> None:
    await booking.settings(region="HK")
    assert (await register(client, {"name": "Chan", "phone": "2123 4567"})).json()["phone"] == "+85221234567"


async def test_another_clinics_patient_is_absent_and_its_phone_no_duplicate(client: AsyncClient, booking: Booking) -> None:
    made, elsewhere = await register(client, ADA), {internal.CLINIC: str(await booking.make_known(uuid4()))}
    read = await client.get(f"/internal/patients/{made.json()['id']}", headers=elsewhere)
    assert read.status_code == 404 and read.json()["code"] == "unknown_patient"
    again = await client.post("/internal/patients", json=ADA, headers=elsewhere)
    assert again.status_code == 201 and again.json()["id"] != made.json()["id"]


async def test_an_absent_patient_is_404_and_a_malformed_id_or_clinic_422(client: AsyncClient) -> None:
    assert (await client.get(f"/internal/patients/{uuid4()}")).status_code == 404
    assert (await client.get("/internal/patients/7")).status_code == 422
    assert (await client.get(f"/internal/patients/{uuid4()}", headers={internal.CLINIC: "x"})).status_code == 422
