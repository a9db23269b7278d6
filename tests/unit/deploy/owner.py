"""A stand-in of the API and of an owner on loopback: remembers the lines that it was given, and can fail as servers do."""

import json
import threading
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

CLINIC = {
    "id": "00000000-0000-7000-8000-000000000001",
    "code": "default",
    "settings": {"time_zone": "UTC", "max_daily_capacity": 10, "one_booking_per_patient_day": False},
    "version": 3,
}
Answer = tuple[int, Any]
Fault = Callable[["Handler"], Answer | None]
"""What a call meets instead of its answer; None: the connection is cut."""


class StandIn(ThreadingHTTPServer):
    """Lines whose phone is `bad` are rejected, those that came before are known."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.calls: list[tuple[dict[str, str], dict[str, list[str]]]] = []
        self.clinic: dict[str, Any] = CLINIC
        self.patched: list[tuple[str | None, Any]] = []
        self.seen: set[str] = set()
        self.faults: deque[Fault | None] = deque()
        """Of the next calls, in order; None: none."""
        self.lock = threading.Lock()
        self.under_way = self.most_under_way = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def environment(self) -> dict[str, str]:
        """Where everything is, as `frontdesk env` says it."""
        return {
            "API_URL": f"{self.url}/api/v1", "BOOKING_URL": self.url, "AVAILABILITY_URL": self.url,
            "FRONTDESK_HOME": "/nonexistent/frontdesk", "NO_COLOR": "1",
        }  # fmt: skip

    def take(self, lines: list[dict[str, Any]]) -> dict[str, Any]:
        """What an owner answers."""
        bad = [line for line in lines if line["fields"].get("phone") == "bad"]
        good = [json.dumps(line["fields"]) for line in lines if line not in bad]
        created = [one for one in good if one not in self.seen]
        self.seen |= set(good)
        return {
            "created": len(created),
            "known": len(good) - len(created),
            "rejected": [{"line": line["line"], "field": "phone", "reason": "is no phone number"} for line in bad],
        }


class Handler(BaseHTTPRequestHandler):
    """One request."""

    server: StandIn
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._say(200, self.server.clinic if self.path == "/api/v1/clinic" else {})

    def do_PATCH(self) -> None:
        fault = self.server.faults.popleft() if self.server.faults else None
        self.server.patched.append((self.headers["If-Match"], self._body()))
        changed = self.server.clinic["settings"] | self.server.patched[-1][1]
        answer = fault(self) if fault else (200, self.server.clinic | {"settings": changed, "version": 4})
        if answer:
            self._say(*answer)

    def do_POST(self) -> None:
        server, body = self.server, self._body()
        with server.lock:
            server.under_way += 1
            server.most_under_way = max(server.most_under_way, server.under_way)
            fault = server.faults.popleft() if server.faults else None
            server.calls.append((dict(self.headers), parse_qs(urlsplit(self.path).query)))
        met = fault(self) if fault else None
        with server.lock:
            report = server.take(body["lines"]) if fault is None or met is None else None
            server.under_way -= 1
        if fault is None:
            self._say(200, report)
        elif met is not None:
            self._say(*met)
        else:  # done, and nobody will hear of it
            self.close_connection = True

    def _body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def _say(self, status: int, answer: Any) -> None:
        content = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: a test says what it saw."""


@contextmanager
def serving() -> Iterator[StandIn]:
    """One that answers."""
    with StandIn() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
