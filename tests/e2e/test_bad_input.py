"""What bad input gets: the right status, a code of the closed list, and every bad field at once; and nothing is changed."""

from typing import Any
from uuid import uuid4

import pytest

from shared.infra.asgi import MAX_BODY_BYTES
from tests.support.clinic import Clinic, bad_fields, in_days, problem_of

SOME_ID = "01890a5d-ac96-774b-bcce-b302099a8057"
WRITES = (
    "/patients",
    "/doctors",
    f"/doctors/{SOME_ID}/availability",
    "/appointments",
    f"/appointments/{SOME_ID}/reschedule",
    "/checkins",
)
LONG = "x" * 201

BAD_BODIES: list[tuple[str, dict[str, Any], set[str]]] = [
    ("/patients", {}, {"name", "phone"}),
    ("/patients", {"name": "", "phone": "12"}, {"name", "phone"}),
    ("/patients", {"name": LONG, "phone": "+44 7700 900123"}, {"name"}),
    ("/patients", {"name": "Maya", "phone": "no phone at all"}, {"phone"}),
    ("/patients", {"name": "Maya", "phone": "+44 7700 900123", "date_of_birth": "1990-02-30"}, {"date_of_birth"}),
    ("/patients", {"name": "Maya", "phone": "+44 7700 900123", "nickname": "M"}, {"nickname"}),
    ("/patients", {"name": 7, "phone": ["+44 7700 900123"], "nickname": "M"}, {"name", "phone", "nickname"}),
    ("/doctors", {}, {"name"}),
    ("/doctors", {"name": "Dr", "code": "Not A Slug"}, {"code"}),
    ("/doctors", {"name": LONG, "code": "x" * 65, "languages": ["english!"]}, {"name", "code", "languages.0"}),
    ("/appointments", {}, {"doctor_id", "patient_id", "date"}),
    ("/appointments", {"doctor_id": "7", "patient_id": 7, "date": "tomorrow"}, {"doctor_id", "patient_id", "date"}),
    ("/appointments", {"doctor_id": SOME_ID, "patient_id": SOME_ID, "date": "2026-02-30"}, {"date"}),
    ("/appointments", {"doctor_id": SOME_ID, "patient_id": SOME_ID, "date": "2026-03-02", "slot_id": SOME_ID}, {"slot_id"}),
    ("/appointments", {"slot_id": SOME_ID, "starts_at": "2026-03-02T09:45:00Z"}, {"patient_id", "starts_at"}),
    ("/appointments", {"starts_at": "2026-03-02T09:45:00", "confirm": 0}, {"doctor_id", "patient_id", "starts_at", "confirm"}),
    ("/checkins", {}, {"appointment_id", "patient_id"}),
    ("/checkins", {"appointment_id": "x", "patient_id": None, "position": 1}, {"appointment_id", "patient_id", "position"}),
    (f"/appointments/{SOME_ID}/cancel", {"reason": "bored"}, {"reason"}),
    (f"/appointments/{SOME_ID}/cancel", {"note": "x" * 501}, {"note"}),
    (f"/appointments/{SOME_ID}/confirm", {"note": "free text"}, {"note"}),
    (f"/appointments/{SOME_ID}/reschedule", {}, {"date"}),
    (f"/appointments/{SOME_ID}/reschedule", {"slot_id": SOME_ID, "doctor_id": "7"}, {"doctor_id"}),
]


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("body", [b"", b"{", b"\xff\xfe", b'{"name": NaN}'], ids=["empty", "cut", "not-text", "nan"])
async def test_what_is_no_json_is_400(clinic: Clinic, path: str, body: bytes) -> None:
    answer = await clinic.clients[0].post(path, content=body, headers={"Content-Type": "application/json"})
    assert problem_of(answer) == (400, "invalid_json")


@pytest.mark.parametrize("path", WRITES)
@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null"])
async def test_json_that_is_no_object_is_422(clinic: Clinic, path: str, body: str) -> None:
    answer = await clinic.clients[0].post(path, content=body, headers={"Content-Type": "application/json"})
    assert problem_of(answer) == (422, "validation_failed")


@pytest.mark.parametrize(("path", "body", "fields"), BAD_BODIES)
async def test_every_bad_field_is_named_at_once(clinic: Clinic, path: str, body: dict[str, Any], fields: set[str]) -> None:
    assert bad_fields(await clinic.post(path, body)) == fields


@pytest.mark.parametrize("capacity", [0, -1, "ten", 2.5])
async def test_a_capacity_that_is_none_is_refused(clinic: Clinic, capacity: Any) -> None:
    doctor = await clinic.doctor()
    answer = await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "capacity": capacity, "mood": "good"})
    assert bad_fields(answer) == {"capacity", "mood"}
    assert await clinic.remaining(doctor) == 10


async def test_a_capacity_above_the_clinics_is_named(clinic: Clinic) -> None:
    doctor = await clinic.doctor()
    assert bad_fields(await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "capacity": 11})) == {"capacity"}


async def test_unknown_ids_are_404(clinic: Clinic) -> None:
    doctor, patient, nobody = await clinic.doctor(), await clinic.patient(), str(uuid4())
    assert problem_of(await clinic.book(nobody, patient)) == (404, "unknown_doctor")
    assert problem_of(await clinic.book(doctor, nobody)) == (404, "unknown_patient")
    assert problem_of(await clinic.get(f"/doctors/{nobody}")) == (404, "unknown_doctor")
    assert problem_of(await clinic.get(f"/doctors/{nobody}/availability", date=in_days(1))) == (404, "unknown_doctor")
    assert problem_of(await clinic.post(f"/doctors/{nobody}/availability", {"date": in_days(1)})) == (404, "unknown_doctor")
    assert problem_of(await clinic.get(f"/patients/{nobody}")) == (404, "unknown_patient")
    assert problem_of(await clinic.get(f"/appointments/doctors/{nobody}/appointments")) == (404, "unknown_doctor")
    assert problem_of(await clinic.get(f"/commands/{nobody}")) == (404, "unknown_command")
    assert await clinic.remaining(doctor) == 10


@pytest.mark.parametrize("path", ["/doctors/7", "/patients/x", "/appointments/1-2-3", "/checkins/doctors/x/queue", "/commands/x"])
async def test_malformed_ids_are_422(clinic: Clinic, path: str) -> None:
    assert problem_of(await clinic.get(path)) == (422, "validation_failed")


@pytest.mark.parametrize("query", [{"limit": 0}, {"limit": 201}, {"limit": "many"}, {"cursor": "nonsense"}])
async def test_bad_pages_are_422(clinic: Clinic, query: dict[str, Any]) -> None:
    for path in ("/doctors", "/appointments"):
        assert bad_fields(await clinic.get(path, **query)) == set(query)


async def test_a_duplicate_code_is_409(clinic: Clinic) -> None:
    code = f"dr-{uuid4().hex}"
    assert (await clinic.post("/doctors", {"name": "Dr One", "code": code})).status_code == 201
    assert problem_of(await clinic.post("/doctors", {"name": "Dr Two", "code": code})) == (409, "duplicate_code")


async def test_unknown_routes_and_methods_are_problems(clinic: Clinic) -> None:
    assert problem_of(await clinic.get("/nothing-here")) == (404, "not_found")
    put = await clinic.put("/doctors", {})
    assert problem_of(put) == (405, "method_not_allowed")
    assert "GET" in put.headers["allow"]


@pytest.mark.parametrize("size", [MAX_BODY_BYTES, 2_000_000])
async def test_a_body_too_large_is_413_and_the_client_gets_to_read_it(clinic: Clinic, size: int) -> None:
    for path in ("/patients", "/appointments"):
        answer = await clinic.post(path, {"name": "x" * size, "phone": "+44 7700 900123"})
        assert problem_of(answer) == (413, "body_too_large")


@pytest.mark.parametrize("key", ["", "x" * 256, "tab\there"])
async def test_a_bad_key_is_422(clinic: Clinic, key: str) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    assert problem_of(await clinic.book(doctor, patient, key=key)) == (422, "validation_failed")
    assert await clinic.remaining(doctor) == 10


async def test_two_different_keys_are_422(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1), "idempotency_key": "one"}
    assert bad_fields(await clinic.post("/appointments", body, "other")) == {"idempotency_key"}
    assert await clinic.remaining(doctor) == 10


async def test_a_nul_character_is_an_answer_not_an_accident(clinic: Clinic) -> None:
    assert (await clinic.post("/patients", {"name": "Ma\x00ya", "phone": "+44 7700 900123"})).status_code == 422
    assert (await clinic.post("/doctors", {"name": "Dr \x00"})).status_code == 422
