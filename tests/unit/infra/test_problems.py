"""Whoever refuses a request, the client reads one kind of problem: it names every bad field and repeats nothing that was sent."""

from typing import Annotated
from uuid import UUID

import pytest
from fastapi import APIRouter, FastAPI, Header
from pydantic import BaseModel, ConfigDict, Field, field_validator
from starlette.testclient import TestClient

from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code, FieldError
from shared.infra.api import add_routes, create_api
from shared.infra.health import Readiness
from shared.infra.problems import MEDIA_TYPE, ProblemError, problem_responses

pytestmark = pytest.mark.unit

MEMBERS = ["type", "title", "status", "code", "detail", "instance", "correlation_id", "errors"]


class Address(BaseModel):
    en: str = Field(max_length=5)


class Form(BaseModel):
    model_config = ConfigDict(extra="forbid")

    patient_id: UUID
    address: Address
    phone: str = "1"

    @field_validator("phone")
    @classmethod
    def possible(cls, value: str) -> str:
        if value == "clumsy":
            raise ValueError("clumsy is no phone number")
        if value != "1":
            raise ValueError("is not a phone number")
        return value


def make_app() -> FastAPI:
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=False)
    router = APIRouter(prefix="/api/v1")

    @router.post("/forms")
    async def post_form(form: Form) -> str:
        return form.phone

    @router.get("/forms/{form_id}", responses=problem_responses(Code.FULL, Code.SLOT_TAKEN))
    async def get_form(form_id: UUID, limit: int = 1, x_day: Annotated[int, Header()] = 1) -> str:
        raise ProblemError(
            Code.FULL,
            "All 10 numbers are taken",
            errors=[FieldError(field="date", reason="is full")],
            headers={"Retry-After": "7"},
            extra={"candidates": ["a"]},
        )

    @router.delete("/forms/{form_id}")
    async def delete_form(form_id: UUID) -> None:
        raise ProblemError(Code.UNKNOWN_PATIENT)

    add_routes(app, router)
    return app


@pytest.fixture
def client() -> TestClient:
    return TestClient(make_app())


ID = "00000000-0000-7000-8000-000000000001"


def test_a_refusal_has_exactly_the_members_of_a_problem_and_its_own(client: TestClient) -> None:
    answer = client.get(f"/api/v1/forms/{ID}?limit=3", headers={"Request-Id": "desk-7"})
    assert answer.status_code == 409
    assert answer.headers["content-type"] == MEDIA_TYPE
    assert answer.headers["retry-after"] == "7"
    assert answer.json() == {
        "type": "/docs/problems/full",
        "title": PROBLEMS[Code.FULL].title,
        "status": 409,
        "code": "full",
        "detail": "All 10 numbers are taken",
        "instance": f"/api/v1/forms/{ID}",
        "correlation_id": "desk-7",
        "errors": [{"field": "date", "reason": "is full"}],
        "candidates": ["a"],
    }


def test_every_bad_field_of_a_body_is_named_at_once_and_no_value_is_repeated(client: TestClient) -> None:
    body = {"patient_id": "Quentin", "address": {"en": "Privet Drive"}, "phone": "Zebedee", "extra": "Xanthe"}
    answer = client.post("/api/v1/forms", json=body)
    assert answer.status_code == 422
    assert list(answer.json()) == MEMBERS
    assert answer.json()["errors"] == [
        {"field": "patient_id", "reason": "must be a UUID"},
        {"field": "address.en", "reason": "must have at most 5 characters"},
        {"field": "phone", "reason": "is not a phone number"},
        {"field": "extra", "reason": "is not a known field"},
    ]
    assert not any(value in answer.text for value in ("Quentin", "Privet", "Zebedee", "Xanthe"))


def test_a_validator_that_quotes_the_input_is_not_passed_on(client: TestClient) -> None:
    answer = client.post("/api/v1/forms", json={"patient_id": ID, "address": {"en": ""}, "phone": "clumsy"})
    assert answer.json()["errors"] == [{"field": "phone", "reason": "is not valid"}]


@pytest.mark.parametrize("body", [b"{", b"", b"\xff\xfe{}", b'{"a": ' * 20_000])
def test_what_is_no_json_is_400_or_names_the_body(client: TestClient, body: bytes) -> None:
    answer = client.post("/api/v1/forms", content=body[:60_000], headers={"Content-Type": "application/json"})
    if body:
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid_json")
    else:
        assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": "body", "reason": "is required"}])


def test_parameters_are_named_and_a_header_by_its_name(client: TestClient) -> None:
    answer = client.get("/api/v1/forms/nobody?limit=lots", headers={"X-Day": "today"})
    assert answer.status_code == 422
    assert answer.json()["errors"] == [
        {"field": "form_id", "reason": "must be a UUID"},
        {"field": "limit", "reason": "must be a whole number"},
        {"field": "X-Day", "reason": "must be a whole number"},
    ]


@pytest.mark.parametrize("path", ["/nowhere", "/api/v1/forms/", "/health/live/", "/metrics/"])
def test_an_unknown_path_is_a_problem(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"], answer.json()["instance"]) == (404, "not_found", path)


def test_a_wrong_method_is_told_all_that_the_path_allows(client: TestClient) -> None:
    answer = client.put(f"/api/v1/forms/{ID}")
    assert (answer.status_code, answer.json()["code"]) == (405, "method_not_allowed")
    assert answer.headers["allow"] == "DELETE, GET, HEAD"


def test_a_problem_without_detail_has_its_title(client: TestClient) -> None:
    answer = client.delete(f"/api/v1/forms/{ID}")
    assert (answer.status_code, answer.json()["detail"]) == (404, PROBLEMS[Code.UNKNOWN_PATIENT].title)


def test_the_document_describes_problems_and_never_the_frameworks_errors() -> None:
    app = make_app()
    document = app.openapi()
    assert document == app.openapi()
    assert "HTTPValidationError" not in str(document)
    assert document["components"]["schemas"]["Problem"]["required"] == MEMBERS
    answers = document["paths"]["/api/v1/forms/{form_id}"]["get"]["responses"]
    assert set(answers) == {"200", "409", "422"}
    examples = answers["409"]["content"][MEDIA_TYPE]["examples"]
    assert [examples[code]["value"]["status"] for code in ("full", "slot_taken")] == [409, 409]
    assert answers["422"]["content"][MEDIA_TYPE]["schema"] == {"$ref": "#/components/schemas/Problem"}
    assert "FieldError" in document["components"]["schemas"]
