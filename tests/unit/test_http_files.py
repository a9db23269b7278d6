"""The reader of `.http` files reads what an editor's REST client would."""

import datetime as dt
from pathlib import Path

import httpx2
import pytest

from tests.support.http_files import requests_of, run, variables_of

pytestmark = pytest.mark.unit

TEXT = """\
# A file.
@host = http://one
@api = {{host}}/api
@day = {{$datetime 'YYYY-MM-DD' 2 d}}

### Make it
# @name made
# expect 201
POST {{api}}/things
Content-Type: application/json
Idempotency-Key: it-{{day}}

{
  "day": "{{day}}"
}

### Read it
# expect 200 202
GET {{host}}{{made.response.headers.Location}}?id={{made.response.body.$.thing.id}}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    file = tmp_path / "things.http"
    file.write_text(TEXT)
    return file


def test_requests_are_read_with_what_they_expect(path: Path) -> None:
    make, read = requests_of(path)
    assert (make.title, make.name, make.expected, make.method) == ("Make it", "made", frozenset({201}), "POST")
    assert make.headers == {"Content-Type": "application/json", "Idempotency-Key": "it-{{day}}"}
    assert (read.name, read.expected, read.body) == (None, frozenset({200, 202}), "")
    assert list(variables_of(path)) == ["host", "api", "day"]


async def test_placeholders_are_filled_with_what_was_given_defined_or_answered(path: Path) -> None:
    seen: list[httpx2.Request] = []

    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        made = request.method == "POST"
        return httpx2.Response(201 if made else 200, headers={"Location": "/there"}, json={"thing": {"id": 7}})

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(answer)) as client:
        assert len(await run(path, client, {"host": "http://two"})) == 2
    day = (dt.datetime.now(dt.UTC).date() + dt.timedelta(days=2)).isoformat()
    assert (str(seen[0].url), seen[0].headers["idempotency-key"]) == ("http://two/api/things", f"it-{day}")
    assert day in seen[0].content.decode()
    assert str(seen[1].url) == "http://two/there?id=7"


async def test_a_status_that_nobody_expects_fails(path: Path) -> None:
    transport = httpx2.MockTransport(lambda request: httpx2.Response(409, json={}))
    async with httpx2.AsyncClient(transport=transport) as client:
        with pytest.raises(AssertionError, match="Make it: 409"):
            await run(path, client, {})


def test_a_request_that_expects_nothing_is_refused(path: Path) -> None:
    path.write_text(TEXT.replace("# expect 201\n", ""))
    with pytest.raises(AssertionError, match="no `# expect`"):
        requests_of(path)
