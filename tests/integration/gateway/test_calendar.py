"""Calendars are availability's; what a change displaces is told out of booking's appointments."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from services.gateway.openapi.appointments import APPOINTMENT
from shared.contracts import internal
from tests.integration.gateway.conftest import API, FakeOwners, Process

DOCTOR = str(UUID(int=5))
EXCEPTION = str(UUID(int=6))
LOOK, TAKEN = "/internal/appointments/look", "/internal/appointments/taken"
LIVE: dict[str, Any] = APPOINTMENT.model_dump(mode="json")
NAMED = {"displaced_ids": [LIVE["id"]]}
COMPLETE = {"displaced_incomplete": False}


@pytest.fixture
def booked(owners: FakeOwners) -> FakeOwners:
    """Booking knows one live appointment."""
    owners.answers[LOOK] = (200, {"items": [LIVE]})
    owners.answers[TAKEN] = (200, [])
    return owners


async def test_a_schedule_is_answered_with_what_it_displaces(gateway: Process, booked: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/schedule"
    booked.answers[f"/internal{path}"] = (200, {"entries": [], "version": 2, **NAMED})
    booked.headers = {"ETag": '"v2"'}
    answer = await gateway.http.put(f"{API}{path}", json={"entries": []}, headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.headers["ETag"]) == (200, '"v2"')
    assert answer.json() == {"entries": [], "version": 2, "displaced": [LIVE], **COMPLETE}
    assert booked.requests[0].headers["If-Match"] == '"v1"'


async def test_a_closed_day_is_answered_with_what_it_displaces(gateway: Process, booked: FakeOwners) -> None:
    path, day = f"/doctors/{DOCTOR}/availability", {"doctor_id": DOCTOR, "date": "2026-03-02", "available": False}
    for status in (200, 201):
        booked.answers[f"/internal{path}"] = (status, {**day, **NAMED})
        answer = await gateway.http.post(f"{API}{path}", json={"date": "2026-03-02"}, headers={"Idempotency-Key": "k"})
        assert (answer.status_code, answer.json()) == (status, {**day, "displaced": [LIVE], **COMPLETE})
    assert answer.headers["Location"] == f"{API}{path}?date=2026-03-02"


async def test_an_exception_has_its_place_and_what_it_displaces(gateway: Process, booked: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/exceptions"
    booked.answers[f"/internal{path}"] = (201, {"id": EXCEPTION, "kind": "closed", **NAMED})
    answer = await gateway.http.post(f"{API}{path}", json={"any": "body"}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{API}{path}/{EXCEPTION}")
    assert answer.json() == {"id": EXCEPTION, "kind": "closed", "displaced": [LIVE], **COMPLETE}
    assert internal.COMMAND_ID in booked.requests[0].headers
    assert booked.requests[0].url.query == b"dry_run=false"


async def test_a_dry_run_leaves_nothing_to_be_repeated(gateway: Process, booked: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/exceptions"
    booked.answers[f"/internal{path}"] = (200, {"id": None, "kind": "closed", **NAMED})
    answer = await gateway.http.post(f"{API}{path}?dry_run=true", json={}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["id"], "Location" in answer.headers) == (200, None, False)
    assert internal.COMMAND_ID not in booked.requests[0].headers
    assert booked.requests[0].url.query == b"dry_run=true"


async def test_a_page_of_exceptions_asks_booking_once(gateway: Process, booked: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/exceptions"
    items = [{"id": EXCEPTION, **NAMED}, {"id": DOCTOR, "displaced_ids": []}, {"id": LIVE["id"], **NAMED}]
    booked.answers[f"/internal{path}"] = (200, {"items": items, "next_cursor": "n"})
    answer = await gateway.http.get(f"{API}{path}?limit=3")
    assert [len(item["displaced"]) for item in answer.json()["items"]] == [1, 0, 1]
    assert answer.headers["Link"] == f'<{API}{path}?limit=3&cursor=n>; rel="next"'
    assert [request.url.path for request in booked.requests].count(LOOK) == 1


async def test_one_exception_is_read_and_ended(gateway: Process, booked: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/exceptions/{EXCEPTION}"

    def said(request: httpx2.Request) -> tuple[int, Any]:
        return (200, {"id": EXCEPTION, **NAMED}) if request.method == "GET" else (204, None)

    booked.answers[f"/internal{path}"] = said
    assert (await gateway.http.get(f"{API}{path}")).json()["displaced"] == [LIVE]
    assert (await gateway.http.delete(f"{API}{path}")).status_code == 204


async def test_a_refusal_of_a_calendar_is_about_the_public_path(gateway: Process, owners: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/schedule"
    owners.answers[f"/internal{path}"] = (412, {"code": "stale", "instance": f"/internal{path}"})
    answer = await gateway.http.put(f"{API}{path}", json={"entries": []})
    assert answer.status_code == 412 and answer.json()["instance"] == f"{API}{path}"


async def test_a_search_for_slots_is_passed_on(gateway: Process, owners: FakeOwners) -> None:
    owners.answers["/internal/slots"] = (200, {"items": [], "next_cursor": None})
    asked = {"category": "Skin & Hair", "location_id": DOCTOR, "language": "en", "from": "2026-03-02", "earliest": "5"}
    for query in (asked, {"doctor_id": DOCTOR, "to": "2026-03-03", "limit": "5", "cursor": "x"}, {}):
        assert (await gateway.http.get(f"{API}/slots", params=query)).status_code == 200
        assert dict(owners.requests[-1].url.params) == query
    nothing = await gateway.http.get(f"{API}/slots?from=0&earliest=51&place=x")
    assert {error["field"] for error in nothing.json()["errors"]} == {"place"}
    nothing = await gateway.http.get(f"{API}/slots?from=0&earliest=51")
    assert {error["field"] for error in nothing.json()["errors"]} == {"from", "earliest"}


async def test_what_is_done_is_answered_also_without_booking(gateway: Process, booked: FakeOwners) -> None:
    """With the key of a client, or without one: the exception is made once, and its reading waits for nobody."""
    path = f"/doctors/{DOCTOR}/exceptions"
    booked.answers[f"/internal{path}"] = (201, {"id": EXCEPTION, "kind": "closed", **NAMED})
    booked.answers[f"/internal{path}/{EXCEPTION}"] = (200, {"id": EXCEPTION, "kind": "closed", **NAMED})
    on_its_way: dict[str, Any] = {LOOK: (200, {"items": []}), TAKEN: (200, [LIVE["id"]])}
    away: dict[str, Any] = {LOOK: (503, {})}
    for answers in (away, on_its_way):
        booked.answers |= answers
        read = await gateway.http.get(f"{API}{path}/{EXCEPTION}")
        assert (read.status_code, read.json()["displaced"], read.json()["displaced_incomplete"]) == (200, [], True)
    booked.answers[LOOK] = (503, {})
    made = await gateway.http.post(f"{API}{path}", json={"any": "body"})
    assert (made.status_code, made.json()["displaced_incomplete"]) == (201, True)


async def test_a_repeat_without_a_key_is_told_one(gateway: Process, owners: FakeOwners) -> None:
    path = f"/doctors/{DOCTOR}/exceptions"
    owners.away = True
    lost = await gateway.http.post(f"{API}{path}", json={"any": "body"})
    assert (lost.status_code, lost.json()["code"]) == (503, "unavailable")
    owners.away = False
    owners.answers[f"/internal{path}"] = (503, {"code": "unavailable", "instance": path})
    failed = await gateway.http.post(f"{API}{path}", json={"any": "body"}, headers={"Idempotency-Key": "mine"})
    assert failed.headers["Idempotency-Key"] == "mine"
    owners.answers[f"/internal{path}"] = (201, {"id": EXCEPTION, "kind": "closed", "displaced_ids": []})
    again = {"Idempotency-Key": lost.headers["Idempotency-Key"]}
    assert (await gateway.http.post(f"{API}{path}", json={"any": "body"}, headers=again)).status_code == 201
    first, _, last = [one.headers[internal.COMMAND_ID] for one in owners.requests if one.method == "POST"]
    assert first == last, "it is the same call"
