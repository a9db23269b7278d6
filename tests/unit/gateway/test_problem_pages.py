"""The `type` of a problem is a page that a person can read, whatever else is switched off."""

import re
from html import unescape

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.pages import problems
from services.gateway.settings import Settings
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code
from shared.infra.api import add_routes, create_api
from shared.infra.health import Readiness
from shared.infra.problems import ProblemError, problem_body
from tests.unit.gateway.test_settings import ENVIRONMENT

pytestmark = pytest.mark.unit


@pytest.fixture(scope="module")
def app() -> FastAPI:
    return create_app(Settings.from_environment(ENVIRONMENT))


@pytest.fixture
def client(app: FastAPI) -> TestClient:
    return TestClient(app)


def plain(page: str) -> str:
    return unescape(re.sub(r"<[^>]+>", "", page))


@pytest.mark.parametrize("code", Code)
def test_the_type_of_every_problem_leads_to_what_it_means(client: TestClient, code: Code) -> None:
    kind = PROBLEMS[code]
    answer = client.get(problem_body(ProblemError(code), instance="/", correlation_id="desk-7")["type"])
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    text = plain(answer.text)
    for said in (code.value, str(kind.status), kind.title, kind.cause, kind.fix):
        assert said.replace("`", "") in text
    assert {"same_key": "Same key.", "change": "Change.", "give_up": "Give up."}[kind.retry] in text


def test_one_page_lists_all(client: TestClient) -> None:
    page = client.get("/docs/problems").text
    assert re.findall(r'href="/docs/problems/(\w+)"', page) == [code.value for code in Code]


def test_the_pages_load_nothing(client: TestClient) -> None:
    for path in ("/docs/problems", "/docs/problems/full"):
        answer = client.get(path)
        assert answer.headers["content-security-policy"].startswith("default-src 'none'")
        assert not re.findall(r"<(?:script|link|img)|src=|https?://", answer.text)


@pytest.mark.parametrize("path", ["/docs/problems/nothing", "/docs/problems/FULL", "/docs/problems/<b>", "/docs/problems/"])
def test_an_unknown_code_is_a_problem_itself(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_they_are_there_where_the_document_is_off() -> None:
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=False)
    add_routes(app, problems.router)
    client = TestClient(app)
    assert client.get("/docs").status_code == 404
    assert client.get("/docs/problems/full").status_code == 200


def test_they_are_no_part_of_the_api(app: FastAPI) -> None:
    assert not [path for path in app.openapi()["paths"] if "problems" in path]
