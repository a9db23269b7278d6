"""What carries the requests of a `Clinic`: HTTP to a gateway that runs, or the application of a gateway in this process.

Every answer must be one that the OpenAPI document tells of.
"""

import ssl

import httpx2
from fastapi import FastAPI

from tests.support.documented import assert_documented

IN_PROCESS, HTTP = "in_process", "http"
TRANSPORTS = (IN_PROCESS, HTTP)
TIMEOUT_SECONDS = 40.0
TLS = ssl.create_default_context()
"""Of all clients of a session: each would read all certificates of the machine for itself, which takes 25 ms."""
PREFER = {"Prefer": "wait=30"}
"""The longest that a command may be waited for: on a busy machine the usual five seconds end in a 202 now and then."""


def over_http(host: str) -> httpx2.AsyncClient:
    """To the gateway that runs there."""
    return _client(host, None)


def to_app(app: FastAPI) -> httpx2.AsyncClient:
    """To the application of a gateway in this process."""
    return _client("http://gateway", httpx2.ASGITransport(app))


def _client(host: str, transport: httpx2.AsyncBaseTransport | None) -> httpx2.AsyncClient:
    return httpx2.AsyncClient(
        base_url=f"{host}/api/v1", transport=transport, verify=TLS, headers=PREFER, timeout=TIMEOUT_SECONDS,
        limits=httpx2.Limits(max_connections=100), event_hooks={"response": [assert_documented]},
    )  # fmt: skip
