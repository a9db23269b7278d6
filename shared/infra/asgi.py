"""The one ASGI middleware of every service: id, limits, headers, metrics and access log of a request, in one pass.

It stands outside the routes, so whatever they do (also an error nobody foresaw), the client gets its `Request-Id`, its answer is
counted under the route's template, and no stack and no query string leaves the process.
"""

import asyncio
import re
import time
from contextlib import suppress

import structlog
from fastapi.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.contracts.problems import Code, FieldError
from shared.infra.errors import is_closed_transport, is_transient
from shared.infra.ids import new_id
from shared.infra.metrics import HTTP_DURATION, HTTP_REQUESTS
from shared.infra.problems import ProblemError, problem_response

MAX_BODY_BYTES = 64 * 1024
DRAIN_MAX_BYTES = 4 * 1024 * 1024
DRAIN_SECONDS = 2.0

_log = structlog.get_logger(__name__)

_REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_HOST = re.compile(rb"(?:[A-Za-z0-9._~%!$&'()*+,;=-]*|\[[0-9A-Za-z:.]+\])(?::[0-9]*)?")
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_PROBES = ("/health", "/metrics")
UNANSWERED = 499
"""What is counted when the client was gone before its answer was out; no client ever sees it."""
CUT_OFF = "cut_off"
"""In a request's state: the status that counts for a request whose connection was ended before its answer was out."""
STOPS = "stops"
"""In a request's state: true once the server stops and waits for its answer. What then takes too long is cancelled."""

SECURITY_HEADERS = (
    (b"cache-control", b"no-store"),
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
    (b"referrer-policy", b"no-referrer"),
)


class RequestMiddleware:
    """Wraps each HTTP request in an `Exchange`; anything else passes untouched."""

    def __init__(self, app: ASGIApp, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self.app = app
        self.max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = Exchange(scope, receive, send, self.max_body_bytes)
        # In memory one service calls another in the same task: the caller's context comes back afterwards.
        outer = structlog.contextvars.get_contextvars()
        structlog.contextvars.clear_contextvars()
        structlog.contextvars.bind_contextvars(correlation_id=exchange.correlation_id)
        try:
            await exchange.run(self.app)
        finally:
            exchange.record()
            structlog.contextvars.clear_contextvars()
            structlog.contextvars.bind_contextvars(**outer)


class Exchange:
    """One request and its answer. The request's state has `correlation_id`, `traceparent` and, of a refusal, its `code`."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, max_body_bytes: int) -> None:
        headers = dict(scope["headers"])
        self.method: str = scope["method"]
        if self.method == "HEAD":  # the answer to a GET without its body (RFC 9110), of whatever has a GET
            scope = {**scope, "method": "GET"}
        self.scope = scope
        self.correlation_id = _accepted(_REQUEST_ID, headers.get(b"request-id")) or new_id().hex
        traceparent = _accepted(_TRACEPARENT, headers.get(b"traceparent"))
        # In place: the connection, too, writes there.
        scope.setdefault("state", {}).update(correlation_id=self.correlation_id, traceparent=traceparent)
        self._receive = receive
        self._send = send
        self._body_bytes_left = max_body_bytes
        self._declared_bytes = _declared_bytes(headers.get(b"content-length"))
        self._body_is_held_back = headers.get(b"expect", b"").lower() == b"100-continue"
        self._started_at = time.perf_counter()
        self._status: int | None = None

    async def run(self, app: ASGIApp) -> None:
        """Lets the application answer, and answers for it when it cannot."""
        if refusal := _refusal_of_head(self.scope):
            await problem_response(Request(self.scope), refusal)(self.scope, self.receive, self.send)
            return
        try:
            await app(self.scope, self.receive, self.send)
        except ClientDisconnect:
            self.scope["state"].setdefault(CUT_OFF, UNANSWERED)
            await asyncio.sleep(0)  # in its next turn the loop tells the connection what this task knows already
        except asyncio.CancelledError:
            if self._status is not None or not self.scope["state"].get(STOPS):
                raise
            await problem_response(Request(self.scope), stopping())(self.scope, self.receive, self.send)
        except Exception as error:
            _log.exception("http_request_failed", route=route_template(self.scope))
            if self._status is not None:
                raise  # half an answer is out: only a broken connection tells the client that it is no whole one
            await problem_response(Request(self.scope), _problem_of(error))(self.scope, self.receive, self.send)

    async def receive(self) -> Message:
        """The next part of the body, unless there is more of it than allowed.

        It raises when the body is read, and not before: who may not ask at all is told so first.
        """
        if self._declared_bytes > self._body_bytes_left:
            if not self._body_is_held_back:
                await self._drain()
            raise _body_too_large()
        message = await self._receive()
        if message["type"] == "http.request":
            size = len(message.get("body", b""))
            self._body_bytes_left -= size
            self._declared_bytes -= size
            if self._body_bytes_left < 0:
                if message.get("more_body"):
                    await self._drain()
                raise _body_too_large()
        return message

    async def _drain(self) -> None:
        """Takes what is still on its way, within bounds: closing with data unread would reset the connection under our answer."""
        taken, more = 0, True
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                while more and taken < DRAIN_MAX_BYTES:
                    message = await self._receive()
                    taken += len(message.get("body", b""))
                    more = message.get("more_body", False)

    async def send(self, message: Message) -> None:
        """Adds our headers to the answer; what a route set itself stays."""
        if message["type"] == "http.response.start":
            self._status = message["status"]
            headers = list(message.get("headers", ()))
            present = {name for name, _ in headers}
            added = [header for header in SECURITY_HEADERS if header[0] not in present]
            message = {**message, "headers": [*headers, *added, (b"request-id", self.correlation_id.encode())]}
        elif self.method == "HEAD":
            message = {**message, "body": b""}
        try:
            await self._send(message)
        except RuntimeError as error:
            if not is_closed_transport(error):
                raise
            raise ClientDisconnect from None

    def record(self) -> None:
        """Counts the answer and writes its line in the access log."""
        seconds = time.perf_counter() - self._started_at
        route = route_template(self.scope)
        # Anyone can make up a method; a label must not.
        method = self.method if self.method in _METHODS else "other"
        status = self.scope["state"].get(CUT_OFF) or self._status or UNANSWERED
        HTTP_REQUESTS.labels(route, method, status).inc()
        HTTP_DURATION.labels(route, method).observe(seconds)
        # Probes come every second and would drown what is worth reading.
        write = _log.debug if route.startswith(_PROBES) else _log.info
        refused = {"code": code} if (code := self.scope["state"].get("code")) else {}
        write("http_request", route=route, method=method, status=status, duration_ms=round(seconds * 1000, 2), **refused)


def route_template(scope: Scope) -> str:
    """The path of the matched route, `/api/v1/doctors/{doctor_id}`, or `unmatched`."""
    return getattr(scope.get("route") or _plain_route(scope), "path", "unmatched")


def _plain_route(scope: Scope) -> BaseRoute | None:
    """The matched route that is Starlette's own, as the API's document and the files of `/docs`: it leaves its endpoint only."""
    endpoint = scope.get("endpoint")
    routes = scope["app"].routes if endpoint is not None else ()
    return next((route for route in routes if endpoint in (getattr(route, "endpoint", None), getattr(route, "app", None))), None)


def _refusal_of_head(scope: Scope) -> ProblemError | None:
    """What is wrong with a request whatever it asks for: a `Host` that RFC 9112 refuses; an escaped slash, which no path has."""
    hosts = [value for name, value in scope["headers"] if name == b"host"]
    if scope.get("http_version") == "1.1" and (len(hosts) != 1 or not _HOST.fullmatch(hosts[0])):
        reason = "must be sent once" if len(hosts) != 1 else "must be a host, perhaps with a port"
        errors = [FieldError(field="Host", reason=reason)]
        return ProblemError(Code.INVALID_HEADER, errors=errors, headers={"Connection": "close"})
    return ProblemError(Code.NOT_FOUND) if b"%2f" in scope.get("raw_path", b"").lower() else None


def outgoing_headers(request: Request) -> dict[str, str]:
    """What a call to another service on behalf of `request` carries, so that one id is found in the logs of both."""
    headers = {"Request-Id": request.state.correlation_id}
    return {**headers, "traceparent": request.state.traceparent} if request.state.traceparent else headers


def _accepted(pattern: re.Pattern[bytes], value: bytes | None) -> str | None:
    """The header if it has the form that may go into logs and messages."""
    return value.decode() if value is not None and pattern.fullmatch(value) else None


def _declared_bytes(content_length: bytes | None) -> int:
    """The size that the client announced; without one the stream is counted."""
    return int(content_length) if content_length is not None and content_length.isdigit() else 0


def _problem_of(error: Exception) -> ProblemError:
    """A store that is away is no fault of ours: the same request can succeed in a moment."""
    return ProblemError(Code.UNAVAILABLE, headers={"Retry-After": "2"}) if is_transient(error) else ProblemError(Code.INTERNAL)


def stopping() -> ProblemError:
    """The refusal of a request that a stopping process does not end. It can be sent again, to another process or to the next."""
    return ProblemError(Code.UNAVAILABLE, "This process stops", headers={"Retry-After": "2", "Connection": "close"})


def _body_too_large() -> HTTPException:
    """FastAPI lets this kind pass while it reads a body; any other it takes for bad JSON. There may be more than was drained."""
    return HTTPException(413, headers={"Connection": "close"})
