"""Importing patients over internal HTTP on a real Postgres: what is made, known and rejected, and in how many statements."""

import asyncio
from typing import Any
from uuid import uuid4

import pytest
from dirty_equals import IsPartialDict
from httpx2 import AsyncClient

from services.booking.identifiers import Codec
from services.booking.service.patients.details import form_rules
from services.booking.service.patients.import_ import import_patients, judge_lines
from shared.contracts import internal
from shared.contracts.imports import MAX_LINES
from shared.infra.caller import Caller
from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA, BYRON, NUMBER, OTHER_NUMBER, bad_fields, count, register, registered

pytestmark = pytest.mark.integration

SHARED, TAKEN = "another patient has it (possible_duplicate)", "another patient has it (nhs_number_taken)"


async def imported(client: AsyncClient, *lines: dict[str, str], **query: str) -> tuple[int, int, list[tuple[int, str, str]]]:
    """How many are created and known, and the rejected lines. Lines count from 2: the header is the first."""
    body = {"lines": [{"line": number, "fields": fields} for number, fields in enumerate(lines, 2)]}
    answer = await client.post("/internal/patients/import", json=body, params=query)
    assert answer.status_code == 200, answer.text
    report = answer.json()
    return report["created"], report["known"], [(one["line"], one["field"], one["reason"]) for one in report["rejected"]]


def somebody(number: int, **fields: str) -> dict[str, str]:
    return {"name": f"Somebody {number}", "phone": f"020 7946 {number:04}", **fields}


async def test_a_line_makes_a_patient_like_any_other(client: AsyncClient, booking: Booking) -> None:
    line = {
        **ADA, "email": "ada@example.com", "nhs_number": "9434765919", "postcode": "sw1a1aa", "address": "12 St James's Square",
        "external_id": "A-7",
    }  # fmt: skip
    assert await imported(client, line) == (1, 0, [])
    (made,) = (await client.get("/internal/patients")).json()["items"]
    assert made == IsPartialDict(name="Ada Lovelace", nhs_number=NUMBER, postcode="SW1A 1AA", email="ada@example.com", version=1)
    assert (await register(client, ADA)).json() == made
    row = await booking.patient_row(made["id"])
    assert len(row["external_index"]) == 32 and b"A-7" not in row["external_index"]
    (emitted,) = await booking.published()
    assert emitted == IsPartialDict(type="PatientChanged", patient_id=made["id"], status="active", version=1)
    assert await booking.effects(row["id"]) == ["patient_registered"]


async def test_extensions_come_in_the_phone_or_in_a_column_of_their_own(client: AsyncClient) -> None:
    home = "0161 496 3154"
    lines = [
        {"name": "Ada", "phone": f"{home} x12"},
        {"name": "Byron", "phone": home, "phone_extension": "13"},
        {"name": "Mary", "phone": f"{home} x13"},
        {"name": "Ada", "phone": home, "phone_extension": "12"},
        {"name": "Ada", "phone": home},
    ]
    assert await imported(client, *lines) == (2, 1, [(4, "phone", SHARED), (6, "phone", SHARED)])
    found = (await client.get("/internal/patients", params={"phone": home})).json()["items"]
    assert [(one["name"], one["phone_extension"]) for one in found] == [("Ada", "12"), ("Byron", "13")]


async def test_numbers_are_read_as_programs_paste_them_and_placeholders_refused(client: AsyncClient) -> None:
    lines = [
        somebody(1, nhs_number="943\u00a0476\u00a05919"),
        somebody(2, nhs_number="943\u2011476\u20115919"),
        somebody(3, nhs_number="9999999999"),
    ]
    placeholder = "is a placeholder: leave it out if there is no NHS number"
    assert await imported(client, *lines) == (1, 0, [(3, "nhs_number", TAKEN), (4, "nhs_number", placeholder)])


async def test_a_second_run_changes_nothing(client: AsyncClient, booking: Booking) -> None:
    lines = [somebody(1, external_id="1"), somebody(2), somebody(3, date_of_birth="1990-12-10", nhs_number=NUMBER)]
    assert await imported(client, *lines) == (3, 0, [])
    before = (await client.get("/internal/patients")).json()
    await booking.published()
    assert await imported(client, *lines) == (0, 3, [])
    assert (await client.get("/internal/patients")).json() == before and await booking.published() == []
    assert await count(booking, "audit") == 3


async def test_who_is_known_by_id_stays_whatever_else_the_line_says(client: AsyncClient) -> None:
    await imported(client, somebody(1, external_id="1"))
    assert await imported(client, somebody(2, external_id="1", nhs_number=NUMBER)) == (0, 1, [])
    (kept,) = (await client.get("/internal/patients")).json()["items"]
    assert (kept["name"], kept["phone"], kept["nhs_number"]) == ("Somebody 1", "+442079460001", None)


async def test_who_was_registered_by_hand_is_known_and_gets_no_id(client: AsyncClient, booking: Booking) -> None:
    patient = (await register(client, ADA)).json()
    line = {**ADA, "name": " ADA  lovelace", "phone": "+442079460018", "external_id": "7"}
    assert await imported(client, line) == (0, 1, [])
    row = await booking.patient_row(patient["id"])
    assert (row["external_index"], row["version"]) == (None, 1)


async def test_the_order_of_the_lines_decides(client: AsyncClient, booking: Booking) -> None:
    lines = [
        somebody(1), somebody(1), {**somebody(1), "name": "Another"},
        somebody(2, nhs_number=NUMBER), somebody(3, nhs_number=NUMBER),
        somebody(4, external_id="4"), somebody(5, external_id="4"), somebody(4, date_of_birth="1990-12-10"),
    ]  # fmt: skip
    rejected = [(4, "phone", SHARED), (6, "nhs_number", TAKEN), (9, "phone", SHARED)]
    assert await imported(client, *lines, dry_run="true") == (3, 2, rejected) and await count(booking) == 0
    assert await imported(client, *lines) == (3, 2, rejected) and await count(booking) == 3
    assert await imported(client, *lines) == (0, 5, rejected), "again: the same are rejected, the others known"


async def test_who_shares_only_a_phone_is_made_on_purpose(client: AsyncClient, booking: Booking) -> None:
    await registered(client, {**ADA, "nhs_number": NUMBER})
    child = {"name": "Child", "phone": ADA["phone"]}
    assert await imported(client, child) == await imported(client, child, on_duplicate="reject") == (0, 0, [(2, "phone", SHARED)])
    assert await imported(client, child, child, on_duplicate="create") == (1, 1, [])
    other = {**BYRON, "nhs_number": NUMBER}
    assert await imported(client, other, on_duplicate="create") == (0, 0, [(2, "nhs_number", TAKEN)])
    assert await imported(client, {**other, "nhs_number": OTHER_NUMBER}) == (1, 0, []) and await count(booking) == 3


async def test_bad_lines_are_rejected_with_their_first_fault_and_the_others_go_on(client: AsyncClient) -> None:
    lines: list[dict[str, str]] = [
        {**somebody(1), "phone": "canary"}, {"phone": "020 7946 0001"}, {"name": "Ada"},
        {**somebody(1), "nhs_number": "943 476 5918"},
        {**somebody(1), "date_of_birth": "10/12/1990"}, {**somebody(1), "date_of_birth": "2999-12-10"},
        {**somebody(1), "postcode": "canary"}, {**somebody(1), "email": "canary"},
        {**somebody(1), "nickname": "canary"}, {},
        {**somebody(1), "given_name": "Ada", "family_name": "Lovelace"}, {**somebody(1), "external_id": "x" * 101}, somebody(1),
    ]  # fmt: skip
    created, known, rejected = await imported(client, *lines)
    assert (created, known) == (1, 0) and [(line, field) for line, field, _ in rejected] == [
        (2, "phone"), (3, "name"), (4, "phone"), (5, "nhs_number"), (6, "date_of_birth"), (7, "date_of_birth"), (8, "postcode"),
        (9, "email"), (10, "nickname"), (11, "name"), (12, "name"), (13, "external_id"),
    ]  # fmt: skip
    assert not any("canary" in reason for _, _, reason in rejected)


async def test_empty_fields_are_missing_fields(client: AsyncClient) -> None:
    empty = dict.fromkeys(("email", "date_of_birth", "nhs_number", "postcode", "address", "external_id", "given_name"), " ")
    assert await imported(client, somebody(1, **empty), somebody(1)) == (1, 1, [])
    parts = {"given_name": "Ada", "family_name": "King", "name": "", "phone": "020 7946 0099"}
    assert await imported(client, parts) == (1, 0, [])


async def test_who_was_deleted_is_new_and_who_was_merged_is_known(client: AsyncClient) -> None:
    lines = [somebody(1, external_id="1"), somebody(2, external_id="2"), somebody(3)]
    await imported(client, *lines)
    first, second, third = [item["id"] for item in (await client.get("/internal/patients")).json()["items"]]
    await client.post(f"/internal/patients/{second}/merge", json={"into": first})
    await client.post(f"/internal/patients/{third}/merge", json={"into": first})
    assert await imported(client, *lines) == (0, 3, [])
    assert await imported(client, somebody(9, external_id="2")) == (0, 1, []), "by the id alone"
    await client.delete(f"/internal/patients/{first}")
    assert await imported(client, lines[0]) == (1, 0, [])


async def test_imports_and_registrations_of_the_same_people_at_once_make_each_once(client: AsyncClient, booking: Booking) -> None:
    people = [somebody(number, external_id=f"{number}") for number in range(30)]
    bodies = [{"name": one["name"], "phone": one["phone"]} for one in people]
    orders = [people, people[::-1]] * 4
    imports = asyncio.gather(*(imported(client, *order) for order in orders))
    reports, answers = await asyncio.gather(imports, asyncio.gather(*(register(client, body) for body in bodies)))
    made = sum(created for created, _, _ in reports) + sum(answer.status_code == 201 for answer in answers)
    assert made == 30 == await count(booking)


async def test_any_number_of_lines_takes_the_same_statements(booking: Booking) -> None:
    """Lock, look, insert, audit, outbox. The driver's own questions about types are done with the first call."""
    people = [[somebody(0)], [somebody(1)], [somebody(number) for number in range(2, MAX_LINES + 2)]]
    _, one, most = [await statements(booking, *lines) for lines in people]
    assert len(one) == 5 and one == most and await count(booking) == MAX_LINES + 2


async def statements(booking: Booking, *people: dict[str, str]) -> list[str]:
    """What the server is asked while an import runs in a transaction."""
    asked: list[str] = []
    caller, codec = Caller(booking.clinic, "desk", "desk", None, "test"), Codec(b"a key of the tests")
    body = {"lines": [{"line": number, "fields": fields} for number, fields in enumerate(people, 2)]}
    async with booking.units.registry(booking.clinic) as unit:
        lines = await judge_lines(codec, caller, body, await form_rules(unit, booking.clinic))

        def note(query: Any) -> None:
            asked.append(query.query)

        unit.connection.add_query_logger(note)
        await import_patients(unit, codec, caller, lines, dry_run=False, create_duplicate=False)
    unit.connection.remove_query_logger(note)
    return [query for query in asked if not query.startswith(("COMMIT", "ROLLBACK"))]


async def test_another_clinics_patients_are_not_known(client: AsyncClient, booking: Booking) -> None:
    await imported(client, somebody(1, external_id="1"))
    body = {"lines": [{"line": 2, "fields": somebody(1, external_id="1")}]}
    elsewhere = {internal.CLINIC: str(await booking.make_known(uuid4()))}
    answer = await client.post("/internal/patients/import", json=body, headers=elsewhere)
    assert answer.json() == {"created": 1, "known": 0, "rejected": []}


@pytest.mark.parametrize(
    ("body", "field"),
    [({"lines": []}, "lines"), ({}, "lines"), ({"lines": [{"line": 2, "fields": {}}] * (MAX_LINES + 1)}, "lines"),
     ({"lines": [{"line": 0, "fields": {}}]}, "lines.0.line")],
)  # fmt: skip
async def test_what_is_no_import_is_refused(client: AsyncClient, body: Any, field: str) -> None:
    assert bad_fields(await client.post("/internal/patients/import", json=body)) == {field}
