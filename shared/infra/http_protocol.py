"""HTTP on a connection, as uvicorn reads and writes it; what uvicorn would answer by itself in plain text is a problem here, too.

It is uvicorn's protocol of httptools, given to it as its setting `http` by `run_service.py`. `asgi.py` reads in a request's state
what became of a connection that ended before its answer was out.
"""

from typing import Any

import orjson
import structlog
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle

from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code
from shared.infra.asgi import CUT_OFF, SECURITY_HEADERS, STOPS, UNANSWERED, stopping
from shared.infra.ids import new_id
from shared.infra.metrics import HTTP_REQUESTS
from shared.infra.problems import MEDIA_TYPE, ProblemError, problem_body

SLOW_BODY_SECONDS = 2.0
"""So long a process that stops waits for the rest of a request."""

_log = structlog.get_logger(__name__)


class ProblemProtocol(HttpToolsProtocol):
    """One connection. Of pipelined requests each is answered in its turn, then what is no HTTP behind them."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._cycles: list[RequestResponseCycle] = []
        self._head_has_begun = False
        self._refusal: ProblemError | None = None

    @property
    def _unanswered(self) -> list[RequestResponseCycle]:
        return [cycle for cycle in self._cycles if not cycle.response_complete]

    def on_message_begin(self) -> None:
        """Notes that there is the first byte of a request."""
        super().on_message_begin()
        self._head_has_begun = True

    def on_headers_complete(self) -> None:
        """Notes the request that begins: uvicorn itself keeps the last one only."""
        super().on_headers_complete()
        self._head_has_begun = False
        self._cycles = [*self._unanswered, self.cycle]

    def shutdown(self) -> None:
        """The server stops: what is whole is answered, what is not yet is waited for a little while, then refused."""
        for cycle in self._unanswered:
            cycle.scope["state"][STOPS] = True
        if self._head_has_begun or any(cycle.more_body for cycle in self._unanswered):
            self.loop.call_later(SLOW_BODY_SECONDS, self._give_up)
        if self._unanswered or not self._head_has_begun:
            super().shutdown()

    def _give_up(self) -> None:
        """Refuses a request that has not come whole. It can be sent again, to another process or to the next."""
        if self._head_has_begun or any(cycle.more_body for cycle in self._unanswered):
            self._refuse_rest(stopping())

    def connection_lost(self, exc: Exception | None) -> None:
        """Tells every request in hand that its client has gone; uvicorn tells the last one only."""
        super().connection_lost(exc)
        for cycle in self._unanswered:
            cycle.scope["state"].setdefault(CUT_OFF, UNANSWERED)
            cycle.disconnected = True
            cycle.message_event.set()

    def send_400_response(self, msg: str) -> None:
        """Refuses what the parser did."""
        self._refuse_rest(ProblemError(Code.INVALID_REQUEST, headers={"Connection": "close"}))

    def _refuse_rest(self, refusal: ProblemError) -> None:
        """Refuses what has not come whole, once the requests before it are answered."""
        self._refusal = refusal
        if self.pipeline and self.pipeline[0][0].more_body:
            self.pipeline.popleft()  # its own body is what is missing or cannot be read
            self._cycles.pop()
        if all(cycle.more_body for cycle in self._unanswered):
            self._refuse()

    def on_response_complete(self) -> None:
        """Goes on to the next request, or to the refusal of what is behind the last."""
        super().on_response_complete()
        if self._refusal and not self._unanswered:
            self._refuse()

    def _refuse(self) -> None:
        """Answers with the problem and closes. An answer that has begun is cut off: it cannot be taken back."""
        if self.transport.is_closing() or self._refusal is None:
            return
        status = PROBLEMS[self._refusal.code].status
        unanswered = self._unanswered
        for cycle in unanswered:
            cycle.scope["state"][CUT_OFF] = status
        if not any(cycle.response_started for cycle in unanswered):
            self.transport.write(self._problem(self._refusal, status))
        if not unanswered:
            HTTP_REQUESTS.labels("unmatched", "other", status).inc()
            _log.info("http_request", route="unmatched", method="other", status=status, code=self._refusal.code.value)
        self.transport.close()

    def _problem(self, error: ProblemError, status: int) -> bytes:
        """The whole answer, as it goes out."""
        correlation_id = new_id().hex
        body = orjson.dumps(problem_body(error, instance="", correlation_id=correlation_id))
        headers = [
            *self.server_state.default_headers,
            *SECURITY_HEADERS,
            (b"content-type", MEDIA_TYPE.encode()),
            (b"content-length", str(len(body)).encode()),
            (b"request-id", correlation_id.encode()),
            *((name.lower().encode(), value.encode()) for name, value in error.headers.items()),
        ]
        return STATUS_LINE[status] + b"".join(name + b": " + value + b"\r\n" for name, value in headers) + b"\r\n" + body
