"""Holds every answer that the suite's clients get to the committed OpenAPI document: its status, its media type, its headers,
and the code of a refusal."""

import json
import re
from functools import cache
from pathlib import Path
from typing import Any

import httpx2

DOCUMENT = json.loads((Path(__file__).parents[2] / "docs" / "openapi.json").read_text(encoding="utf-8"))
OF_EVERY_ANSWER = {
    "content-length", "content-type", "date", "server", "connection", "cache-control", "x-content-type-options",
    "content-security-policy", "referrer-policy",
}  # fmt: skip
"""What HTTP and the security headers need no words for."""


async def assert_documented(response: httpx2.Response) -> None:
    """A hook of a client: fails where the document has the operation and says nothing of such an answer."""
    operation = operation_of(response.request.method, response.request.url.path)
    if operation is None:
        return
    asked = f"{operation['operationId']} {response.status_code}"
    answer = operation["responses"].get(str(response.status_code))
    assert answer is not None, f"{asked} is not documented"
    if "content-type" in response.headers:
        assert response.headers["content-type"] in answer.get("content", {}), asked
    if response.is_error:
        await response.aread()
        code = response.json()["code"]
        assert code in answer["content"]["application/problem+json"]["examples"], f"{asked}: {code} is not documented"
    undocumented = set(response.headers) - OF_EVERY_ANSWER - {name.lower() for name in answer.get("headers", {})}
    assert not undocumented, f"{asked}: {undocumented}"


@cache
def operation_of(method: str, path: str) -> dict[str, Any] | None:
    """The operation of the document that a request was for; a template with fewer parameters goes first."""
    for template in sorted(DOCUMENT["paths"], key=lambda template: str(template).count("{")):
        if re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", template), path):
            found: dict[str, Any] | None = DOCUMENT["paths"][template].get(method.lower())
            return found
    return None
