"""Changing patients over internal HTTP on a real Postgres: what stays, what is cleared, whom it meets, and what is emitted."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from dirty_equals import IsPartialDict
from httpx2 import AsyncClient

from services.booking.repository import patient_locks
from services.booking.service.patients.remove import delete_patient
from shared.contracts import internal
from shared.infra.caller import Caller
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import (
    ADA,
    BYRON,
    IN_FULL,
    NUMBER,
    OTHER_NUMBER,
    bad_fields,
    change,
    count,
    refusal,
    register,
    registered,
)
from tests.support.batches import until_it_waits

pytestmark = pytest.mark.integration


async def test_what_is_sent_changes_and_all_else_stays(client: AsyncClient, booking: Booking) -> None:
    patient = await registered(client, IN_FULL)
    before = (await client.get(f"/internal/patients/{patient}")).json()
    await booking.published()
    answer = await change(client, patient, {"phone": "+44 20 7946 0020", "email": None, "postcode": "W1A 0AX"})
    changed = {"phone": "+442079460020", "email": None, "postcode": "W1A 0AX", "version": 2}
    assert answer.status_code == 200 and answer.json() == {**before, **changed, "updated_at": answer.json()["updated_at"]}
    assert answer.json()["updated_at"] > before["updated_at"] and answer.headers["ETag"] == '"v2"'
    assert (await client.get(f"/internal/patients/{patient}")).json() == answer.json()
    (emitted,) = await booking.published()
    assert emitted == IsPartialDict(type="PatientChanged", patient_id=patient, status="active", version=2, actor="desk")
    assert await booking.effects(UUID(patient)) == ["patient_registered", "patient_changed"]


async def test_what_says_nothing_new_changes_nothing(client: AsyncClient, booking: Booking) -> None:
    patient = await registered(client, IN_FULL)
    before = (await client.get(f"/internal/patients/{patient}")).json()
    await booking.published()
    for body in ({}, IN_FULL, {"phone": "+442079460018"}, {"given_name": "Ada", "family_name": "Lovelace"}):
        answer = await change(client, patient, body)
        assert answer.status_code == 200 and answer.json() == before
    assert await booking.published() == [] and await booking.effects(UUID(patient)) == ["patient_registered"]


async def test_all_that_may_be_missing_is_cleared(client: AsyncClient, booking: Booking) -> None:
    patient = await registered(client, IN_FULL)
    fields = ("email", "date_of_birth", "nhs_number", "postcode", "address")
    answer = await change(client, patient, dict.fromkeys(fields))
    assert [answer.json()[field] for field in fields] == [None] * 5
    row = await booking.patient_row(answer.json()["id"])
    assert [row[field] for field in (*fields, "nhs_index")] == [None] * 6
    assert (await register(client, {**BYRON, "nhs_number": NUMBER})).status_code == 201, "the number is free again"


async def test_another_spelling_of_the_name_is_the_same_person(client: AsyncClient) -> None:
    patient = await registered(client, ADA)
    await registered(client, {**ADA, "name": "Byron"}, on_duplicate="create")
    answer = await change(client, patient, {"name": "ADA Lovelace"})
    assert answer.json()["name"] == "ADA Lovelace" and answer.json()["version"] == 2


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"name": None, "phone": None}, {"name", "phone"}),
        ({"given_name": "Ada"}, {"body"}),
        ({"name": "Ada", "given_name": "Ada", "family_name": "L"}, {"body"}),
        ({"phone": "1", "nhs_number": "1", "email": "ada@", "postcode": "1", "date_of_birth": "2999-01-01", "address": ""},
         {"phone", "nhs_number", "email", "postcode", "date_of_birth", "address"}),
        ({"version": 7, "external_id": "7"}, {"version", "external_id"}),
        ([], {"body"}),
    ],
)  # fmt: skip
async def test_every_bad_field_is_named(client: AsyncClient, body: Any, fields: set[str]) -> None:
    patient = await registered(client, ADA)
    assert bad_fields(await change(client, patient, body)) == fields


async def test_a_stale_match_is_refused(client: AsyncClient) -> None:
    patient = await registered(client, ADA)
    assert (await change(client, patient, {"address": "1"}, '"v1"')).status_code == 200
    assert refusal(await change(client, patient, {"address": "2"}, '"v1"'))[:2] == (412, "stale")
    assert refusal(await change(client, patient, {}, '"v1"'))[:2] == (412, "stale"), "also where nothing would change"
    assert (await change(client, patient, {"address": "3"}, '"v1", "v2"')).json()["version"] == 3
    assert (await change(client, patient, {"address": "4"}, "*")).json()["version"] == 4


async def test_of_fifty_changes_of_one_version_one_is_made(client: AsyncClient) -> None:
    patient = await registered(client, ADA)
    answers = await asyncio.gather(*(change(client, patient, {"address": f"{n}"}, '"v1"') for n in range(50)))
    assert sorted(answer.status_code for answer in answers) == [200] + [412] * 49


async def test_nobody_becomes_somebody_who_is_there(client: AsyncClient) -> None:
    ada, byron = await registered(client, ADA), await registered(client, BYRON)
    same = {"name": "ada lovelace", "phone": ADA["phone"], "date_of_birth": ADA["date_of_birth"]}
    for query in ({}, {"on_duplicate": "create"}):
        assert refusal(await change(client, byron, same, **query)) == (409, "possible_duplicate", [ada])
    twin = await registered(client, {**ADA, "name": "Twin"}, on_duplicate="create")
    assert refusal(await change(client, twin, {"name": "Ada Lovelace"})) == (409, "possible_duplicate", [ada])
    assert (await change(client, twin, {"name": "Twin Lovelace"})).status_code == 200, "they share the phone already"


async def test_a_phone_that_another_has_is_taken_over_only_on_purpose(client: AsyncClient) -> None:
    ada, byron = await registered(client, ADA), await registered(client, BYRON)
    assert refusal(await change(client, byron, {"phone": ADA["phone"]})) == (409, "possible_duplicate", [ada])
    answer = await change(client, byron, {"phone": ADA["phone"]}, on_duplicate="create")
    assert answer.status_code == 200 and answer.json()["phone"] == "+442079460018"


async def test_an_extension_stays_with_its_number_and_goes_with_it(client: AsyncClient) -> None:
    patient = await registered(client, {"name": "Ada", "phone": "0161 496 3154 x12"})
    changes: list[tuple[dict[str, str | None], tuple[str, str | None]]] = [
        ({"phone": "0161 496 3154"}, ("+441614963154", "12")),
        ({"phone": "0161 496 3154 x13"}, ("+441614963154", "13")),
        ({"phone_extension": "14"}, ("+441614963154", "14")),
        ({"phone_extension": None}, ("+441614963154", None)),
        ({"phone": "0161 496 3154", "phone_extension": "15"}, ("+441614963154", "15")),
        ({"phone": "020 7946 0018"}, ("+442079460018", None)),
    ]
    for sent, kept in changes:
        made = (await change(client, patient, sent)).json()
        assert (made["phone"], made["phone_extension"]) == kept, sent


async def test_an_extension_that_another_has_is_taken_over_only_on_purpose(client: AsyncClient) -> None:
    ada = await registered(client, {"name": "Ada", "phone": "0161 496 3154 x12"})
    byron = await registered(client, {"name": "Byron", "phone": "0161 496 3154 x13"})
    assert refusal(await change(client, byron, {"phone_extension": "12"})) == (409, "possible_duplicate", [ada])
    assert (await change(client, byron, {"phone_extension": "12"}, on_duplicate="create")).status_code == 200


async def test_an_nhs_number_that_another_has_is_not_given(client: AsyncClient) -> None:
    ada, byron = await registered(client, IN_FULL), await registered(client, BYRON)
    for query in ({}, {"on_duplicate": "create"}):
        assert refusal(await change(client, byron, {"nhs_number": NUMBER}, **query)) == (409, "nhs_number_taken", [ada])
    assert (await change(client, byron, {"nhs_number": OTHER_NUMBER})).json()["nhs_number"] == OTHER_NUMBER


async def test_who_is_gone_or_never_was_is_unknown(client: AsyncClient, booking: Booking) -> None:
    patient = await registered(client, ADA)
    await client.delete(f"/internal/patients/{patient}")
    for gone in (patient, str(uuid4())):
        assert refusal(await change(client, gone, {"address": "1"}, '"v9"'))[:2] == (404, "unknown_patient")
    elsewhere = {internal.CLINIC: str(await booking.make_known(uuid4()))}
    other = await registered(client, BYRON)
    assert (await client.patch(f"/internal/patients/{other}", json={}, headers=elsewhere)).status_code == 404


async def test_who_was_merged_stands_for_the_survivor(client: AsyncClient) -> None:
    loser, survivor = await registered(client, ADA), await registered(client, BYRON)
    merged = await client.post(f"/internal/patients/{loser}/merge", json={"into": survivor})
    assert merged.headers["ETag"] == '"v1"'
    answer = await change(client, loser, {"phone": ADA["phone"]}, '"v1"')
    assert (answer.status_code, answer.json()["id"], answer.json()["version"]) == (200, survivor, 2)


async def test_fifty_who_become_one_person_at_once_stay_apart(client: AsyncClient, booking: Booking) -> None:
    """Half of them change the name at the phone, half bring phone and name; one more registers the person meanwhile."""
    names = [{"name": f"Somebody {n}", "phone": ADA["phone"], "date_of_birth": ADA["date_of_birth"]} for n in range(12)]
    family = [await registered(client, body, on_duplicate="create") for body in names]
    others = [await registered(client, {**BYRON, "phone": f"020 7946 01{n:02}"}) for n in range(12)]
    answers = await asyncio.gather(
        *(change(client, one, {"name": ADA["name"]}) for one in family),
        *(change(client, one, ADA, on_duplicate="create") for one in others),
        *(register(client, ADA, on_duplicate="create") for _ in range(12)),
    )
    assert {answer.status_code for answer in answers} <= {200, 201, 409}
    page = (await client.get("/internal/patients", params={"name": "Ada Lovelace"})).json()
    assert len(page["items"]) == 1 and await count(booking) in (24, 25)


async def test_a_change_waits_for_a_delete_and_finds_nobody(client: AsyncClient, booking: Booking, database: Database) -> None:
    patient = UUID(await registered(client, ADA))
    async with booking.units.registry(booking.clinic) as unit:
        await delete_patient(unit, Caller(booking.clinic, "desk", "desk", None, "test"), patient, cancel=False)
        racing = asyncio.create_task(change(client, str(patient), {"address": "1"}))
        await until_it_waits(database)
    assert refusal(await racing)[:2] == (404, "unknown_patient")
    row = await booking.patient_row(patient)
    assert (row["status"], row["version"], row["address"]) == ("deleted", 2, None)


async def test_a_change_that_was_outrun_is_done_again(client: AsyncClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the patient was found by when it was looked at is not what it is found by once it is locked."""
    patient = await registered(client, ADA)
    lock_indexes, locked = patient_locks.lock_indexes, list[object]()

    async def overtaken(*asked: Any) -> None:
        locked.append(asked)
        if len(locked) == 1:
            assert (await change(client, patient, {"phone": "020 7946 0099"})).status_code == 200
        await lock_indexes(*asked)

    monkeypatch.setattr(patient_locks, "lock_indexes", overtaken)
    answer = await change(client, patient, {"name": "Ada King"})
    assert answer.json() == IsPartialDict(name="Ada King", phone="+442079460099", version=3)
    assert len(locked) == 3, "the change, the one that overtook it, and the change again"
