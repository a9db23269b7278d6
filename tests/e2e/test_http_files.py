"""Every request of `docs/http` gets what it promises, and every answer is one that the committed OpenAPI document tells of."""

import json
import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.seed import seed
from shared.contracts.problems import PROBLEMS, Code
from tests.e2e.desk import TIMEOUT_SECONDS, Desk
from tests.support.http_files import Exchange, run, variables_of

ROOT = Path(__file__).parents[2]
FILES = sorted((ROOT / "docs" / "http").glob("*.http"))
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text(encoding="utf-8"))
OF_EVERY_ANSWER = {
    "content-length", "content-type", "date", "server", "connection", "cache-control", "x-content-type-options",
    "content-security-policy", "referrer-policy",
}  # fmt: skip
"""What HTTP and the security headers need no words for."""


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
async def test_a_file_runs_on_the_demo_clinic(desk: Desk, path: Path) -> None:
    host = desk.services.url("gateway")
    demo = seed(host)
    # Other tests of the session may have made these people first; then they have other ids than on a fresh machine.
    made = dict(zip(("ada", "lin", "maya", "tom"), demo.doctor_ids + demo.patient_ids, strict=True))
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS) as client:
        exchanges = await run(path, client, {"host": host, **made})
        assert len(exchanges) >= 5
        for exchange in exchanges:
            assert_documented(exchange)
            if exchange.response.status_code >= 400:
                await assert_explained(client, exchange.response)


def test_the_files_name_the_people_of_the_readme() -> None:
    known = dict(re.findall(r"^(ADA|MAYA|TOM)=(\S+)$", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE))
    for path in FILES:
        variables = variables_of(path)
        assert {name for name in known if variables.get(name.lower(), known[name]) != known[name]} == set(), path.name


def assert_documented(exchange: Exchange) -> None:
    """The answer's status, type and headers stand in the document, if it has the operation."""
    response = exchange.response
    operation = operation_of(response.request.method, response.request.url.path)
    if operation is None:
        return
    answers = operation["responses"]
    assert str(response.status_code) in answers, f"{operation['operationId']} answers {response.status_code}"
    answer = answers[str(response.status_code)]
    if response.content:
        assert response.headers["content-type"] in answer["content"]
    undocumented = set(response.headers) - OF_EVERY_ANSWER - {name.lower() for name in answer.get("headers", {})}
    assert not undocumented, f"{operation['operationId']} {response.status_code}: {undocumented}"


def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation of the document that a request was for; a template with fewer parameters goes first."""
    for template in sorted(DOCUMENT["paths"], key=lambda template: template.count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = DOCUMENT["paths"][template].get(method.lower())
            return found
    return None


async def assert_explained(client: httpx2.AsyncClient, refusal: httpx2.Response) -> None:
    """The `type` of a real refusal is a page that tells of its code."""
    problem = refusal.json()
    page = await client.get(str(refusal.request.url.join(problem["type"])))
    assert page.status_code == 200
    assert f"<code>{problem['code']}</code>" in page.text
    assert PROBLEMS[Code(problem["code"])].title in page.text
