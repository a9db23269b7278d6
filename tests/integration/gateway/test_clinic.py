"""The clinic's settings: read and changed at any gateway, told to all services, never half judged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import orjson
import pytest
from asyncpg import Connection, Record

from shared.contracts.clinics import ClinicSettings
from shared.infra.ids import new_id
from tests.integration.gateway.conftest import API, CLINIC, Process, Start
from tests.support.waiting import eventually

PATH = f"{API}/clinic"

NOBODY = {"wall_time_changed": [], "wall_time_changed_incomplete": False, "wall_time_changed_left": 0}
"""No appointment is shown at another time by a change."""


@pytest.fixture
async def database(superuser: Callable[..., Any]) -> AsyncIterator["Connection[Record]"]:
    """The gateway's, whose clinic is again as it was when the test is over."""
    connection = await superuser("gateway")
    settings = await connection.fetchval("SELECT settings FROM clinics WHERE id = $1", CLINIC)
    yield connection
    await connection.execute("UPDATE clinics SET settings = $2, version = version + 1 WHERE id = $1", CLINIC, settings)


async def test_a_change_is_read_told_and_recorded(gateway: Process, database: "Connection[Record]") -> None:
    before = await gateway.http.get(PATH)
    version = before.json()["version"]
    assert before.headers["ETag"] == f'"v{version}"' and before.json()["code"] == "default"
    asked = {"time_zone": "Asia/Kathmandu", "max_daily_capacity": 20, "default_daily_capacity": 15}
    changed = await gateway.http.patch(PATH, json=asked, headers={"If-Match": before.headers["ETag"], "Request-Id": "desk-9"})
    assert (changed.status_code, changed.headers["ETag"]) == (200, f'"v{version + 1}"')
    assert changed.json()["settings"] == {**before.json()["settings"], **asked}
    assert (await gateway.http.get(PATH)).json() | NOBODY == changed.json()
    assert gateway.app.state.gateway.clinics.clinic.settings.time_zone == "Asia/Kathmandu"
    row = await database.fetchrow("SELECT version, announced_version FROM clinics WHERE id = $1", CLINIC)
    assert row is not None and row["version"] == row["announced_version"] == version + 1
    entry = await database.fetchrow("SELECT action, detail FROM audit WHERE correlation_id = 'desk-9' ORDER BY at DESC")
    assert entry is not None and entry["action"] == "clinic_changed"
    assert orjson.loads(entry["detail"]) == {"version": version + 1, **asked}


async def test_a_change_is_said_in_its_own_transaction(
    gateway: Process, database: "Connection[Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unsent(_written: object) -> None:
        return None

    monkeypatch.setattr(gateway.app.state.runtime.outbox, "publish", unsent)
    async with database.transaction():
        await database.execute("SELECT pg_advisory_xact_lock(hashtext('frontdesk.outbox.relay'))")  # nobody relays meanwhile
        changed = await gateway.http.patch(PATH, json={"hold_ttl_seconds": 77}, headers={"Request-Id": "desk-10"})
        body = await database.fetchval("SELECT body FROM outbox WHERE correlation_id = 'desk-10'")
    said = orjson.loads(body)
    assert (said["type"], said["version"]) == ("ClinicChanged", changed.json()["version"])
    assert ClinicSettings.model_validate(said["settings"]).hold_ttl_seconds == 77


async def test_what_changes_nothing_is_no_version(gateway: Process, database: "Connection[Record]") -> None:
    before = (await gateway.http.get(PATH)).json()
    for same in ({}, {"region": before["settings"]["region"]}):
        answer = await gateway.http.patch(PATH, json=same, headers={"Request-Id": "desk-11"})
        assert (answer.status_code, answer.json()) == (200, before | NOBODY)
    assert await database.fetchval("SELECT count(*) FROM audit WHERE correlation_id = 'desk-11'") == 0


async def test_a_stale_change_is_refused(gateway: Process, database: "Connection[Record]") -> None:
    before = await gateway.http.get(PATH)
    old = {"If-Match": before.headers["ETag"]}
    assert (await gateway.http.patch(PATH, json={"lead_time_minutes": 5}, headers=old)).status_code == 200
    stale = await gateway.http.patch(PATH, json={"lead_time_minutes": 6}, headers=old)
    assert (stale.status_code, stale.json()["code"]) == (412, "stale")
    assert (await gateway.http.patch(PATH, json={"lead_time_minutes": 7}, headers={"If-Match": "*"})).status_code == 200


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({"time_zone": "Mars/Base", "region": "ZZ", "colour": 1}, {"time_zone", "region", "colour"}),
        ({"time_zone": "localtime"}, {"time_zone"}),
        ({"region": None, "hold_ttl_seconds": 0}, {"region", "hold_ttl_seconds"}),
        ({"default_daily_capacity": 11}, {"default_daily_capacity"}),
        ({"max_daily_capacity": 9, "region": "gb"}, {"max_daily_capacity", "region"}),
        ({"max_daily_capacity": 3, "default_daily_capacity": 4}, {"max_daily_capacity", "default_daily_capacity"}),
        ({"booking_horizon_days": "400"}, {"booking_horizon_days"}),
        ([], {"body"}),
    ],
)
async def test_every_bad_setting_is_named(gateway: Process, body: Any, fields: set[str]) -> None:
    before = (await gateway.http.get(PATH)).json()
    answer = await gateway.http.patch(PATH, json=body)
    assert answer.status_code == 422 and {error["field"] for error in answer.json()["errors"]} == fields
    assert (await gateway.http.get(PATH)).json() == before


async def test_while_kafka_is_away_a_change_is_kept_to_be_told(start: Start, database: "Connection[Record]") -> None:
    request = new_id().hex
    async with start(FRONTDESK_KAFKA__BOOTSTRAP_SERVERS="127.0.0.1:1") as gateway:
        changed = await gateway.http.patch(PATH, json={"hold_ttl_seconds": 78}, headers={"Request-Id": request})
        assert changed.status_code == 200
    assert await database.fetchval("SELECT count(*) FROM outbox WHERE correlation_id = $1", request) == 1


async def test_another_gateway_follows_within_seconds(start: Start, database: "Connection[Record]") -> None:
    async with start() as one, start() as other:
        await one.http.patch(PATH, json={"time_zone": "Pacific/Apia"})

        async def follows() -> bool:
            return bool(other.app.state.gateway.clinics.clinic.settings.time_zone == "Pacific/Apia")

        assert await eventually(follows)


async def test_of_changes_at_once_each_is_judged_by_the_one_before(start: Start, database: "Connection[Record]") -> None:
    """More places by default than at all, or the other way: whichever comes second is refused."""
    async with start() as one, start() as other:
        for most in range(20, 40):
            assert (await one.http.patch(PATH, json={"max_daily_capacity": most + 1})).status_code == 200
            answers = await asyncio.gather(
                one.http.patch(PATH, json={"max_daily_capacity": most}),
                other.http.patch(PATH, json={"default_daily_capacity": most + 1}),
            )
            assert sorted(answer.status_code for answer in answers) == [200, 422]
            settings = (await one.http.get(PATH)).json()["settings"]
            assert settings["default_daily_capacity"] <= settings["max_daily_capacity"]
