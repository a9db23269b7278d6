"""Each request gets its id, limits, headers, metrics and log line, also when the application fails or the client leaves."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from typing import Any

import httpx2
import pytest
import structlog
from asyncpg.exceptions import CannotConnectNowError
from fastapi import APIRouter, FastAPI, Request
from starlette.responses import StreamingResponse
from starlette.testclient import TestClient
from starlette.types import Message

from shared.infra import asgi
from shared.infra.api import add_routes, create_api
from shared.infra.asgi import DRAIN_MAX_BYTES, MAX_BODY_BYTES, RequestMiddleware, outgoing_headers
from shared.infra.forms import read_json
from shared.infra.health import Readiness
from shared.infra.metrics import REGISTRY

pytestmark = pytest.mark.unit

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def add_failures(router: APIRouter) -> None:
    @router.post("/fails")
    async def post_fails() -> None:
        raise RuntimeError("patient Zebedee in SELECT 1")

    @router.post("/no-store")
    async def post_no_store() -> None:
        raise CannotConnectNowError("the database system is starting up")


def make_app() -> FastAPI:
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=True)
    router = APIRouter(prefix="/api/v1/things")

    @router.get("/{thing_id}")
    async def get_thing(thing_id: int, request: Request) -> dict[str, Any]:
        structlog.contextvars.bind_contextvars(command_id=str(thing_id))
        return {"context": structlog.contextvars.get_contextvars(), "outgoing": outgoing_headers(request)}

    @router.post("/typed")
    async def post_typed(body: dict[str, Any]) -> int:
        return len(body)

    @router.post("/read")
    async def post_read(request: Request) -> int:
        return len(str(await read_json(request)))

    @router.post("/unread")
    async def post_unread() -> int:
        return 1

    add_failures(router)

    @router.post("/breaks")
    async def post_breaks() -> StreamingResponse:
        async def half() -> AsyncIterator[bytes]:
            yield b"half"
            raise RuntimeError("broken")

        return StreamingResponse(half(), headers={"Cache-Control": "max-age=60"})

    add_routes(app, router)
    return app


@pytest.fixture
def client() -> TestClient:
    return TestClient(make_app())


@pytest.fixture
def events() -> Iterator[list[structlog.typing.EventDict]]:
    with structlog.testing.capture_logs(processors=[structlog.contextvars.merge_contextvars]) as captured:
        yield captured


def count(route: str, method: str, status: int) -> float:
    labels = {"route": route, "method": method, "status": str(status)}
    return REGISTRY.get_sample_value("frontdesk_http_requests_total", labels) or 0.0


def test_the_request_id_comes_back_and_goes_on_with_the_trace(client: TestClient) -> None:
    answer = client.get("/api/v1/things/7", headers={"Request-Id": "a.B_c-1", "traceparent": TRACE})
    assert answer.headers.get_list("request-id") == ["a.B_c-1"]
    assert answer.json() == {
        "context": {"correlation_id": "a.B_c-1", "command_id": "7"},
        "outgoing": {"Request-Id": "a.B_c-1", "traceparent": TRACE},
    }


@pytest.mark.parametrize("given", [None, "", "a b", "x" * 65, "a\x1b[31m", "a/b"])
def test_an_id_that_may_not_go_into_logs_is_replaced(client: TestClient, given: str | None) -> None:
    headers = {"traceparent": "garbage"} | ({} if given is None else {"Request-Id": given})
    answer = client.get("/api/v1/things/7", headers=headers)
    made = answer.headers["request-id"]
    assert len(made) == 32
    assert int(made, 16)
    assert answer.json()["outgoing"] == {"Request-Id": made}


def test_every_answer_has_the_security_headers_and_keeps_its_own(client: TestClient) -> None:
    for path in ("/api/v1/things/7", "/nowhere", "/docs"):
        headers = client.get(path).headers
        assert headers["cache-control"] == "no-store"
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-security-policy"] == "frame-ancestors 'none'"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("method", "path", "route", "status"),
    [
        ("GET", "/api/v1/things/7?phone=07700900123", "/api/v1/things/{thing_id}", 200),
        ("GET", "/api/v1/things/x", "/api/v1/things/{thing_id}", 422),
        ("PUT", "/api/v1/things/7", "/api/v1/things/{thing_id}", 405),
        ("GET", "/07700900123", "unmatched", 404),
        ("HEAD", "/api/v1/things/7", "/api/v1/things/{thing_id}", 200),
        ("GET", "/openapi.json", "/openapi.json", 200),
        ("GET", "/static-offline-docs/favicon.png", "/static-offline-docs", 200),
        ("DELETE", "/static-offline-docs/favicon.png", "/static-offline-docs", 405),
    ],
)
def test_an_answer_is_counted_and_logged_under_its_template(
    client: TestClient, events: list[Any], method: str, path: str, route: str, status: int
) -> None:
    before = count(route, method, status)
    client.request(method, path, headers={"Request-Id": "r-1"})
    assert count(route, method, status) == before + 1
    [event] = events
    duration = event.pop("duration_ms")
    event.pop("command_id", None)
    assert event.pop("code", None) == {200: None, 404: "not_found", 405: "method_not_allowed", 422: "validation_failed"}[status]
    assert event == {
        "event": "http_request", "log_level": "info", "route": route, "method": method, "status": status, "correlation_id": "r-1",
    }  # fmt: skip
    assert 0 <= duration < 60_000
    assert REGISTRY.get_sample_value("frontdesk_http_request_duration_seconds_count", {"route": route, "method": method})


@pytest.mark.parametrize("path", [
    "/api/v1/things/7", "/api/v1/things/x", "/health/live", "/metrics", "/openapi.json", "/nowhere",
    "/static-offline-docs/favicon.png",
])  # fmt: skip
def test_what_can_be_got_has_a_head_without_its_body(client: TestClient, path: str) -> None:
    got, head = client.get(path), client.head(path)
    assert (head.status_code, head.content) == (got.status_code, b"")
    differ = {"request-id", "content-length"}
    assert {name for name in got.headers if got.headers[name] != head.headers.get(name)} <= differ
    assert "content-length" in head.headers


@pytest.mark.parametrize(("method", "path", "allowed"), [
    ("DELETE", "/static-offline-docs/favicon.png", "GET, HEAD"),
    ("POST", "/openapi.json", "GET, HEAD"),
])  # fmt: skip
def test_a_wrong_method_is_told_what_is_allowed(client: TestClient, method: str, path: str, allowed: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.headers["allow"]) == (405, allowed)


@pytest.mark.parametrize("path", ["/api/v1%2Fthings/7", "/api/v1/things%2f7", "/api/v1/things/7%2F"])
def test_an_escaped_slash_is_no_slash(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def answer_to(headers: list[tuple[bytes, bytes]], version: str = "1.1") -> tuple[int, dict[str, Any]]:
    """Status and body of the answer to a request for a thing with these headers."""
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "http_version": version, "method": "GET", "path": "/api/v1/things/7", "headers": headers}
    await make_app()({**scope, "query_string": b""}, receive, send)
    return sent[0]["status"], json.loads(sent[1]["body"])


HOST = (b"host", b"desk.test:8000")


@pytest.mark.parametrize(
    "headers", [[], [HOST, HOST], [(b"host", b"a b")], [(b"host", b"a/b")], [(b"host", b"a:b")], [(b"host", b"u@a")]]
)
async def test_a_request_has_one_host_that_can_be_one(headers: list[tuple[bytes, bytes]]) -> None:
    status, problem = await answer_to(headers)
    assert (status, problem["code"]) == (400, "invalid_header")
    assert [error["field"] for error in problem["errors"]] == ["Host"]


@pytest.mark.parametrize(("host", "version"), [
    ([HOST], "1.1"), ([(b"host", b"[::1]:80")], "1.1"), ([(b"host", b"10.0.0.1")], "1.1"), ([(b"host", b"")], "1.1"), ([], "1.0"),
])  # fmt: skip
async def test_a_host_is_a_name_or_an_address_and_http_1_0_needs_none(host: list[tuple[bytes, bytes]], version: str) -> None:
    assert (await answer_to(host, version))[0] == 200


def test_a_made_up_method_makes_no_label(client: TestClient) -> None:
    before = count("unmatched", "other", 404)
    client.request("BREW", "/nowhere")
    assert count("unmatched", "other", 404) == before + 1


def test_probes_do_not_fill_the_log(client: TestClient, events: list[Any]) -> None:
    client.get("/health/live")
    client.get("/metrics")
    assert [event["log_level"] for event in events] == ["debug", "debug"]


def chunks(total: int) -> Iterator[bytes]:
    yield b'{"a": "'
    for _ in range(total // 1000):
        yield b"x" * 1000
    yield b'"}'


@pytest.mark.parametrize("path", ["/api/v1/things/typed", "/api/v1/things/read"])
@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_above_the_limit_is_refused_before_it_is_parsed(client: TestClient, path: str, chunked: bool) -> None:
    content = chunks(66_000) if chunked else b"x" * (MAX_BODY_BYTES + 1)
    answer = client.post(path, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert answer.headers["connection"] == "close"
    assert answer.headers["request-id"] == answer.json()["correlation_id"]


@pytest.mark.parametrize("path", ["/api/v1/things/typed", "/api/v1/things/read"])
def test_a_body_of_exactly_the_limit_is_read(client: TestClient, path: str) -> None:
    body = b'{"a":"' + b"x" * (MAX_BODY_BYTES - 8) + b'"}'
    answer = client.post(path, content=body, headers={"Content-Type": "application/json"})
    assert (len(body), answer.status_code) == (MAX_BODY_BYTES, 200)


async def post_large(headers: list[tuple[bytes, bytes]], parts: Iterable[Message]) -> tuple[int, int]:
    """Status of the answer to a body in parts, and how many of its bytes were taken; after the last part nothing comes."""
    taken, sent, coming = 0, list[Message](), iter(parts)

    async def receive() -> Message:
        nonlocal taken
        for message in coming:
            taken += len(message["body"])
            return message
        return await asyncio.Future[Message]()

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/things/read", "headers": headers, "query_string": b""}
    await make_app()(scope, receive, send)
    return sent[0]["status"], taken


def part(size: int, *, more: bool = True) -> Message:
    return {"type": "http.request", "body": b"x" * size, "more_body": more}


DECLARED = (b"content-length", b"2000000")


@pytest.mark.parametrize("headers", [[], [DECLARED]])
async def test_a_body_too_large_is_taken_to_its_end_so_that_the_answer_is_read(headers: list[tuple[bytes, bytes]]) -> None:
    parts = [part(100_000) for _ in range(19)] + [part(100_000, more=False)]
    assert await post_large(headers, parts) == (413, 2_000_000)


@pytest.mark.parametrize("headers", [[], [DECLARED]])
async def test_a_body_without_end_is_taken_within_bounds(headers: list[tuple[bytes, bytes]]) -> None:
    status, taken = await post_large(headers, (part(10_000) for _ in itertools.count()))
    assert (status, taken <= DRAIN_MAX_BYTES + MAX_BODY_BYTES + 20_000) == (413, True)


async def test_a_body_that_stops_coming_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asgi, "DRAIN_SECONDS", 0.05)
    assert await post_large([DECLARED], [part(100_000)]) == (413, 100_000)


async def test_a_body_that_waits_for_our_word_is_told_no_at_once() -> None:
    assert await post_large([DECLARED, (b"expect", b"100-continue")], [part(100_000)]) == (413, 0)


async def test_a_last_part_that_is_too_large_is_the_last() -> None:
    assert await post_large([], [part(100_000, more=False)]) == (413, 100_000)


def test_who_asks_for_nothing_that_exists_is_told_so_whatever_the_size(client: TestClient) -> None:
    assert client.post("/nowhere", content=b"x" * (MAX_BODY_BYTES + 1)).status_code == 404


def test_an_unforeseen_error_is_a_problem_without_its_text_and_logged_with_it(client: TestClient, events: list[Any]) -> None:
    answer = client.post("/api/v1/things/fails", headers={"Request-Id": "r-2"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert answer.headers["request-id"] == "r-2"
    assert not any(word in answer.text for word in ("Zebedee", "SELECT", "Traceback", "RuntimeError"))
    failed, access = events
    assert (failed["event"], failed["exc_info"], failed["correlation_id"]) == ("http_request_failed", True, "r-2")
    assert (access["status"], access["route"]) == (500, "/api/v1/things/fails")


def test_a_store_that_is_away_is_no_fault_of_ours(client: TestClient) -> None:
    answer = client.post("/api/v1/things/no-store")
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0 and "starting" not in answer.text


def test_half_an_answer_breaks_the_connection(client: TestClient, events: list[Any]) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        client.post("/api/v1/things/breaks")
    assert [event["event"] for event in events] == ["http_request_failed", "http_request"]


def test_a_client_that_left_is_no_error(events: list[Any]) -> None:
    async def gone() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        raise AssertionError(message)

    scope = {"type": "http", "method": "POST", "path": "/api/v1/things/read", "headers": [], "query_string": b""}
    asyncio.run(make_app()(scope, gone, send))
    assert [(event["event"], event["status"]) for event in events] == [("http_request", 499)]


async def test_a_call_within_one_task_leaves_the_callers_context() -> None:
    structlog.contextvars.bind_contextvars(correlation_id="outer", clinic_id="c")
    try:
        transport = httpx2.ASGITransport(make_app())
        async with httpx2.AsyncClient(transport=transport, base_url="http://service") as client:
            answer = await client.get("/api/v1/things/7")
        assert answer.json()["context"] == {"correlation_id": answer.headers["request-id"], "command_id": "7"}
        assert structlog.contextvars.get_contextvars() == {"correlation_id": "outer", "clinic_id": "c"}
    finally:
        structlog.contextvars.clear_contextvars()


async def test_what_is_not_http_passes_untouched() -> None:
    seen: list[Any] = []

    async def app(*arguments: Any) -> None:
        seen.extend(arguments)

    arguments: tuple[Any, Any, Any] = ({"type": "lifespan"}, object(), object())
    await RequestMiddleware(app)(*arguments)
    assert seen == list(arguments)
