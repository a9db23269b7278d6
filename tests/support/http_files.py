"""Runs `.http` files as an editor's REST client does: variables, dates, captures of earlier answers, and the status to expect.

The subset that `docs/http` uses: `@name = value`, `###` between requests, `# @name`, `# expect`, `{{…}}`. Used by tests only.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

from tests.support.dates import in_days

VARIABLE = re.compile(r"^@(\w+)\s*=\s*(.+)$", re.MULTILINE)
PLACEHOLDER = re.compile(r"\{\{(.+?)\}\}")
DATE = re.compile(r"\$datetime 'YYYY-MM-DD'(?: (-?\d+) d)?")
CAPTURE = re.compile(r"(\w+)\.response\.(body\.\$\.|headers\.)(.+)")
EXPECT = re.compile(r"^# expect ((?:\d{3} ?)+)$", re.MULTILINE)
NAME = re.compile(r"^# @name (\w+)$", re.MULTILINE)


@dataclass(frozen=True)
class HttpRequest:
    """One request of a file, its placeholders unresolved."""

    title: str
    name: str | None
    expected: frozenset[int]
    method: str
    url: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Exchange:
    """A request and what was answered."""

    request: HttpRequest
    response: httpx2.Response


def variables_of(path: Path) -> dict[str, str]:
    """The variables that a file defines, unresolved."""
    return dict(VARIABLE.findall(path.read_text(encoding="utf-8").partition("\n###")[0]))


def requests_of(path: Path) -> list[HttpRequest]:
    """The requests of a file, in order."""
    return [_request(block) for block in re.split(r"^###", path.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]]


def _request(block: str) -> HttpRequest:
    title, _, rest = block.partition("\n")
    name, expected = NAME.search(rest), EXPECT.search(rest)
    assert expected, f"{title}: no `# expect`"
    head, _, body = "\n".join(line for line in rest.splitlines() if not line.startswith("#")).partition("\n\n")
    line, *headers = head.splitlines()
    method, url = line.split(" ", 1)
    return HttpRequest(
        title.strip(), name and name[1], frozenset(map(int, expected[1].split())), method, url,
        dict(header.split(": ", 1) for header in headers), body.strip(),
    )  # fmt: skip


async def run(path: Path, client: httpx2.AsyncClient, given: Mapping[str, str]) -> list[Exchange]:
    """Send every request of a file; `given` stands for variables of the file. Fails at the first status nobody expects."""
    variables = {**variables_of(path), **given}
    done: dict[str, httpx2.Response] = {}
    exchanges = []
    for request in requests_of(path):

        def filled(text: str) -> str:
            return _filled(text, variables, done)

        headers = {name: filled(value) for name, value in request.headers.items()}
        response = await client.request(request.method, filled(request.url), headers=headers, content=filled(request.body))
        assert response.status_code in request.expected, f"{path.name}: {request.title}: {response.status_code} {response.text}"
        exchanges.append(Exchange(request, response))
        if request.name:
            done[request.name] = response
    return exchanges


def _filled(text: str, variables: Mapping[str, str], done: Mapping[str, httpx2.Response]) -> str:
    """The text with its placeholders replaced, those of the replacements too. An unknown one is a `KeyError`."""

    def replacement(match: re.Match[str]) -> str:
        inner = match[1]
        if date := DATE.fullmatch(inner):
            return in_days(int(date[1] or 0)).isoformat()
        if capture := CAPTURE.fullmatch(inner):
            return _captured(done[capture[1]], capture[2], capture[3])
        return _filled(variables[inner], variables, done)

    return PLACEHOLDER.sub(replacement, text)


def _captured(response: httpx2.Response, part: str, path: str) -> str:
    if part == "headers.":
        return str(response.headers[path])
    node: Any = response.json()
    for step in re.findall(r"\w+", path):
        node = node[int(step)] if isinstance(node, list) else node[step]
    return str(node)
