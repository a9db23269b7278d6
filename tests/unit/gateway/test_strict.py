"""A query is read whole or refused, with every bad parameter named: nothing that a client wrote is left out in silence."""

from typing import Annotated

import pytest
from fastapi import Query
from starlette.testclient import TestClient

from services.gateway.http.parameters import FilterText
from services.gateway.http.strict import public_router
from shared.infra.api import add_routes, create_api
from shared.infra.forms import DEFAULT_LIMIT, Limit, SomeLimit
from shared.infra.health import Readiness

PATH = "/api/v1/things"


@pytest.fixture
def client() -> TestClient:
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=False)
    router = public_router("Things")

    @router.get("/things")
    async def list_things(
        name: FilterText = None,
        limit: Limit = DEFAULT_LIMIT,
        earliest: SomeLimit = None,
        tags: Annotated[list[str] | None, Query()] = None,
    ) -> dict[str, object]:
        return {"name": name, "limit": limit, "earliest": earliest, "tags": tags}

    add_routes(app, router)
    return TestClient(app)


@pytest.mark.parametrize(("query", "read"), [
    ("", {}),
    ("name=Jos%C3%A9%20%2B44&limit=007", {"name": "José +44", "limit": 7}),
    ("name=a+b&tags=1&tags=2", {"name": "a b", "tags": ["1", "2"]}),
    ("earliest=3&", {"earliest": 3}),
])  # fmt: skip
def test_a_query_is_read(client: TestClient, query: str, read: dict[str, object]) -> None:
    nothing_asked = {"name": None, "limit": DEFAULT_LIMIT, "earliest": None, "tags": None}
    assert client.get(f"{PATH}?{query}").json() == nothing_asked | read


@pytest.mark.parametrize(("query", "reasons"), [
    ("nmae=x&limit=5", {"nmae": "is not a known parameter"}),
    ("nmae=x&nmae=y&%FF=1", {"nmae": "is not a known parameter", "?": "is not a known parameter"}),
    ("limit=5&limit=5", {"limit": "must be sent once"}),
    ("name=&name=", {"name": "must be sent once"}),
    ("name=%FF%FE", {"name": "must be UTF-8, percent-encoded"}),
    ("name=M%FCller&tags=%E9&tags=ok", {"name": "must be UTF-8, percent-encoded", "tags": "must be UTF-8, percent-encoded"}),
    ("name=%ED%A0%80", {"name": "must be UTF-8, percent-encoded"}),
    ("name=a%00b", {"name": "must not contain a NUL character"}),
])  # fmt: skip
def test_what_cannot_be_read_whole_is_refused_and_named(client: TestClient, query: str, reasons: dict[str, str]) -> None:
    answer = client.get(f"{PATH}?{query}")
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert {error["field"]: error["reason"] for error in answer.json()["errors"]} == reasons


@pytest.mark.parametrize("number", ["+5", "%2B5", "5.0", "1_0", "%205", "--5", "5e1", "%D9%A5", "", "5%0A", "9" * 5000])
@pytest.mark.parametrize("parameter", ["limit", "earliest"])
def test_a_number_is_written_in_digits(client: TestClient, parameter: str, number: str) -> None:
    answer = client.get(f"{PATH}?{parameter}={number}")
    assert (answer.status_code, answer.json()["errors"]) == (422, [{"field": parameter, "reason": "must be a whole number"}])


def test_a_name_is_not_repeated_at_any_length(client: TestClient) -> None:
    [error] = client.get(f"{PATH}?{'n' * 1000}=1").json()["errors"]
    assert error["field"] == "n" * 64
