"""Registry calls and reads are forwarded to their owner as they are, and answered with what the gateway adds."""

from uuid import UUID, uuid4

import httpx2
import pytest

from services.gateway.access.open_access import OPEN
from shared.contracts import internal
from shared.infra import ids
from tests.integration.gateway.conftest import API, CLINIC, FakeOwners, Process

DOCTOR = str(UUID(int=5))


async def test_a_registration_is_passed_with_its_caller_and_its_key(gateway: Process, owners: FakeOwners) -> None:
    owners.answers["/internal/doctors"] = (201, {"id": DOCTOR})
    headers = {"Idempotency-Key": "k", "Request-Id": "desk-7"}
    answer = await gateway.http.post(f"{API}/doctors", content=b'{"any": "body"}', headers=headers)
    assert (answer.status_code, answer.headers["Location"]) == (201, f"{API}/doctors/{DOCTOR}")
    (request,) = owners.requests
    assert request.content == b'{"any": "body"}'
    assert request.headers[internal.CLINIC] == str(CLINIC)
    assert request.headers[internal.PRINCIPAL] == OPEN
    assert request.headers[internal.COMMAND_ID] == str(ids.command_id(CLINIC, OPEN, "create_doctor", "k"))
    assert request.headers["Request-Id"] == "desk-7"


async def test_who_was_registered_is_known_at_once(gateway: Process, owners: FakeOwners) -> None:
    doctor = str(uuid4())
    owners.answers["/internal/doctors"] = (201, {"id": doctor})
    await gateway.http.post(f"{API}/doctors", json={})
    owners.requests.clear()
    owners.unknown = {doctor}
    owners.answers[f"/internal/queues/{doctor}"] = (200, {"items": [], "next_cursor": None})
    queue = await gateway.http.get(f"{API}/checkins/doctors/{doctor}/queue", params={"date": "2026-03-02"})
    assert queue.status_code == 200
    assert [request.url.path for request in owners.requests] == [f"/internal/queues/{doctor}"]


async def test_a_refusal_of_the_owner_is_about_the_path_that_was_asked_for(gateway: Process, owners: FakeOwners) -> None:
    refused = {"code": "possible_duplicate", "instance": "/internal/patients", "candidates": ["x"]}
    owners.answers["/internal/patients"] = (409, refused)
    answer = await gateway.http.post(f"{API}/patients?on_duplicate=create", json={})
    assert answer.status_code == 409 and answer.headers["Content-Type"] == "application/problem+json"
    assert answer.json() == {**refused, "instance": f"{API}/patients"}
    assert owners.requests[0].url.query == b"on_duplicate=create"


async def test_conditions_and_language_are_the_owner_s_to_judge(gateway: Process, owners: FakeOwners) -> None:
    owners.answers[f"/internal/doctors/{DOCTOR}"] = (200, {"id": DOCTOR})
    owners.headers = {"ETag": '"v2"', "Vary": "Accept-Language", "Server": "x"}
    headers = [(b"If-Match", b'"v1"'), (b"If-Match", b'"v2"'), (b"Accept-Language", b"zh-Hant, \xe9")]
    answer = await gateway.http.patch(f"{API}/doctors/{DOCTOR}", content=b'{"any": 1}', headers=headers)
    assert (answer.status_code, answer.headers["ETag"], answer.headers["Vary"]) == (200, '"v2"', "Accept-Language")
    assert "Server" not in answer.headers
    (request,) = owners.requests
    assert (request.method, request.content) == ("PATCH", b'{"any": 1}')
    assert (request.headers["If-Match"], request.headers["Accept-Language"]) == ('"v1", "v2"', "zh-Hant, ?")


@pytest.mark.parametrize("path", [f"/categories/{DOCTOR}", f"/price-ranges/{DOCTOR}", f"/patients/{DOCTOR}"])
async def test_a_removal_is_answered_without_a_body(gateway: Process, owners: FakeOwners, path: str) -> None:
    answer = await gateway.http.delete(f"{API}{path}", headers={"If-Match": '"v1"'})
    assert (answer.status_code, answer.content) == (204, b"") and "Content-Type" not in answer.headers
    (request,) = owners.requests
    assert (request.method, request.url.path, request.headers["If-Match"]) == ("DELETE", f"/internal{path}", '"v1"')


async def test_a_refused_removal_is_the_owner_s_problem(gateway: Process, owners: FakeOwners) -> None:
    path = f"/patients/{DOCTOR}"
    owners.answers[f"/internal{path}"] = (409, {"code": "has_appointments", "appointments": ["x"]})
    answer = await gateway.http.delete(f"{API}{path}")
    assert answer.status_code == 409 and answer.json()["appointments"] == ["x"]
    assert owners.requests[0].url.query == b"cancel_appointments=false"


@pytest.mark.parametrize("value", ["1", "yes", "TRUE", ""])
async def test_whether_to_cancel_is_true_or_false(gateway: Process, owners: FakeOwners, value: str) -> None:
    for path in (f"/patients/{DOCTOR}", f"/doctors/{DOCTOR}"):
        answer = await gateway.http.delete(f"{API}{path}?cancel_appointments={value}")
        assert answer.status_code == 422 and answer.json()["errors"][0]["field"] == "cancel_appointments"
    assert owners.requests == []


@pytest.mark.parametrize("path", ["/categories", "/price-ranges"])
async def test_what_was_made_has_its_place(gateway: Process, owners: FakeOwners, path: str) -> None:
    owners.answers[f"/internal{path}"] = (201, {"id": DOCTOR})
    answer = await gateway.http.post(f"{API}{path}", json={})
    assert answer.headers["Location"] == f"{API}{path}/{DOCTOR}"


async def test_a_page_links_to_the_next(gateway: Process, owners: FakeOwners) -> None:
    owners.answers["/internal/appointments"] = (200, {"items": [], "next_cursor": "n+/"})
    answer = await gateway.http.get(f"{API}/appointments?doctor_id={DOCTOR}&limit=2&cursor=c")
    assert answer.headers["Link"] == f'<{API}/appointments?doctor_id={DOCTOR}&limit=2&cursor=n%2B%2F>; rel="next"'
    assert dict(owners.requests[0].url.params) == {"doctor_id": DOCTOR, "limit": "2", "cursor": "c"}


async def test_an_owner_that_is_away_is_a_503(gateway: Process, owners: FakeOwners) -> None:
    owners.away = True
    answer = await gateway.http.get(f"{API}/doctors/{DOCTOR}")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["Retry-After"]) > 0


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("/patients/x", {"patient_id"}),
        (f"/doctors/{DOCTOR}/availability", {"date"}),
        (f"/doctors/{DOCTOR}/availability?date=0", {"date"}),
        ("/appointments?date=2026-03-02T00:00:00", {"date"}),
        ("/appointments?status=x&date=y&limit=0&patient_id=z", {"status", "date", "limit", "patient_id"}),
    ],
)
async def test_bad_parameters_are_all_named(gateway: Process, owners: FakeOwners, path: str, fields: set[str]) -> None:
    answer = await gateway.http.get(f"{API}{path}")
    assert answer.status_code == 422 and {error["field"] for error in answer.json()["errors"]} == fields
    assert owners.requests == []


async def test_a_date_of_a_command_is_no_number_of_seconds(gateway: Process) -> None:
    body = {"doctor_id": DOCTOR, "patient_id": DOCTOR, "date": "1798761600"}
    answer = await gateway.http.post(f"{API}/appointments", json=body)
    assert answer.status_code == 422 and [error["field"] for error in answer.json()["errors"]] == ["date"]


async def test_a_command_too_deep_to_read_is_no_json(gateway: Process) -> None:
    deep = b'{"doctor_id":' + b"[" * 900 + b"]" * 900 + b"}"
    answer = await gateway.http.post(f"{API}/appointments", content=deep)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")


async def test_no_json_is_said_before_a_bad_key(gateway: Process, owners: FakeOwners) -> None:
    headers = {"Idempotency-Key": "\t"}
    assert (await gateway.http.post(f"{API}/doctors", content=b"{bad", headers=headers)).status_code == 400
    assert (await gateway.http.post(f"{API}/doctors", content=b"{}", headers=headers)).status_code == 422
    assert owners.requests == []


async def test_bad_fields_of_a_command_are_all_named(gateway: Process) -> None:
    body = {"doctor_id": "x", "date": "y", "more": 1}
    answer = await gateway.http.post(f"{API}/appointments", json=body, headers={"Idempotency-Key": "\t"})
    fields = [error["field"] for error in answer.json()["errors"]]
    assert sorted(fields) == ["Idempotency-Key", "date", "doctor_id", "more", "patient_id"]


async def test_two_keys_that_differ_are_refused(gateway: Process) -> None:
    body = {"doctor_id": DOCTOR, "patient_id": DOCTOR, "date": "2026-03-02", "idempotency_key": "a"}
    answer = await gateway.http.post(f"{API}/appointments", json=body, headers={"Idempotency-Key": "b"})
    assert [error["field"] for error in answer.json()["errors"]] == ["idempotency_key"]


@pytest.mark.parametrize(
    ("content", "headers", "status", "code"),
    [
        (b"{", {}, 400, "invalid_json"),
        (b"{}", {"Prefer": "wait=x"}, 400, "invalid_header"),
        (b" " * 70_000, {}, 413, "body_too_large"),
    ],
)
async def test_what_cannot_be_read(gateway: Process, content: bytes, headers: dict[str, str], status: int, code: str) -> None:
    answer = await gateway.http.post(f"{API}/appointments", content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/nothing/", 404), ("GET", "/doctors/", 404), ("PUT", "/doctors", 405)]
)
async def test_what_is_not_there_is_a_problem(gateway: Process, method: str, path: str, status: int) -> None:
    answer = await gateway.http.request(method, f"{API}{path}")
    assert answer.status_code == status and answer.headers["Content-Type"] == "application/problem+json"


async def test_the_docs_need_nobody_else(gateway: Process) -> None:
    for path in ("/docs", "/redoc"):
        page: httpx2.Response = await gateway.http.get(path)
        assert page.status_code == 200 and "https://cdn" not in page.text
