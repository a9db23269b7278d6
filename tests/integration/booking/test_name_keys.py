"""The migrations that make the keys and the words of names, on rows as the version before left them."""

from collections.abc import Callable
from typing import Any

import asyncpg
import pytest
from httpx2 import AsyncClient

from tests.integration.booking.booking import Booking
from tests.integration.booking.people import ADA, register, registered
from tests.support.revisions import upgrade_of
from tests.support.servers import Databases

pytestmark = pytest.mark.integration

KEYS_OF_BEFORE = {
    "O’Brien": "o’brien",
    "O´Brien": "o \u0301brien",
    "Ann\u2011Marie\u200b Lind": "ann\u2010marie\u200b lind",
    "José": "josé",
    "Plain": "plain",
}


async def test_who_was_registered_before_is_found_as_the_same_person(
    client: AsyncClient, booking: Booking, databases: Databases, superuser: Callable[..., Any]
) -> None:
    admin, ids = await superuser("booking"), {}
    await _triggers(admin, "DISABLE")
    for number, (name, key) in enumerate(KEYS_OF_BEFORE.items(), 10):
        ids[name] = await registered(client, {**ADA, "name": name, "phone": f"020 7946 00{number}"})
        await admin.execute("UPDATE patients SET name_key = $2 WHERE id = $1::text::uuid", ids[name], key)
    await admin.execute("DELETE FROM patient_words WHERE clinic_id = $1", booking.clinic)
    owner = await asyncpg.connect(databases.owner("booking"))
    for _ in range(2):  # each can be run again
        await owner.execute(upgrade_of("booking", "name_keys"))
    await _triggers(admin, "ENABLE")
    for _ in range(2):
        await owner.execute(upgrade_of("booking", "words_of_names"))
    await owner.close()
    typed = ("O'Brien", "O'Brien", "Ann-Marie Lind", "José", "Plain")
    for number, name in enumerate(typed, 10):
        again = await register(client, {**ADA, "name": name, "phone": f"020 7946 00{number}"})
        assert again.status_code == 200, name
    for name, typed_name in (("Ann\u2011Marie\u200b Lind", "lind ann-marie"), ("José", "jose"), ("O´Brien", "obrien")):
        found = (await client.get("/internal/patients", params={"name": typed_name})).json()["items"]
        assert ids[name] in [one["id"] for one in found], name
    assert await admin.fetchval("SELECT count(*) FROM pg_policies WHERE policyname LIKE 'owner%'") == 0


async def _triggers(admin: Any, state: str) -> None:
    for trigger in ("name_key_is_kept", "words_of_changed_patient"):
        await admin.execute(f"ALTER TABLE patients {state} TRIGGER {trigger}")


async def test_what_a_process_of_before_writes_meanwhile_is_found_too(
    client: AsyncClient, booking: Booking, superuser: Callable[..., Any]
) -> None:
    admin, key = await superuser("booking"), "UPDATE patients SET name_key = $2 WHERE id = $1::text::uuid RETURNING name_key"
    for number, (name, before) in enumerate(KEYS_OF_BEFORE.items(), 10):
        made = await registered(client, {**ADA, "name": name, "phone": f"020 7946 01{number}"})
        now = await admin.fetchval("SELECT name_key FROM patients WHERE id = $1::text::uuid", made)
        assert await admin.fetchval(key, made, before) == now, name
    found = (await client.get("/internal/patients", params={"name": "obrien"})).json()["items"]
    assert {one["name"] for one in found} == {"O’Brien", "O´Brien"}
