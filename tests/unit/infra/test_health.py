"""A probe answers at once and tells what does not work by its name."""

import asyncio
import time

import pytest
from starlette.testclient import TestClient

from shared.infra.api import create_api
from shared.infra.health import CHECK_SECONDS, Check, Readiness

pytestmark = pytest.mark.unit


async def answers() -> None:
    """A store that is there."""


async def hangs() -> None:
    await asyncio.Event().wait()


async def refuses() -> None:
    raise ConnectionRefusedError("postgresql://user:secret@db/booking")


def client_for(readiness: Readiness, *, docs: bool = False) -> TestClient:
    return TestClient(create_api("Test", "booking", "1.2.3", readiness, docs=docs))


def test_a_process_with_its_stores_is_ready() -> None:
    answer = client_for(Readiness({"postgres": answers, "kafka": answers})).get("/health/ready")
    assert (answer.status_code, answer.json()) == (200, {"status": "ready", "checks": {"postgres": "ok", "kafka": "ok"}})


def test_each_failing_store_is_named_with_the_class_of_its_error_only() -> None:
    checks: dict[str, Check] = {"postgres": refuses, "kafka": hangs, "redis": answers}
    client = client_for(Readiness(checks, timeout_seconds=0.05))
    started = time.monotonic()
    answer = client.get("/health/ready")
    assert time.monotonic() - started < 1
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "unavailable",
        "checks": {"postgres": "failed: ConnectionRefusedError", "kafka": "failed: TimeoutError", "redis": "ok"},
    }
    assert client.get("/health/live").status_code == 200


def test_a_probe_waits_a_second_at_most() -> None:
    assert Readiness({}).timeout_seconds == CHECK_SECONDS == 1.0


def test_checks_are_asked_at_the_same_time() -> None:
    async def run() -> dict[str, str]:
        both = asyncio.Barrier(2)

        async def meets() -> None:
            await both.wait()

        return await Readiness({"postgres": meets, "kafka": meets}).report()

    assert asyncio.run(run()) == {"postgres": "ok", "kafka": "ok"}


def test_metrics_are_served_with_the_build() -> None:
    answer = client_for(Readiness({})).get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'frontdesk_build_info{service="booking",version="1.2.3"} 1.0' in answer.text


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/openapi.json"])
def test_docs_are_there_only_when_asked_for_and_load_nothing_from_elsewhere(path: str) -> None:
    assert client_for(Readiness({})).get(path).status_code == 404
    page = client_for(Readiness({}), docs=True).get(path)
    assert page.status_code == 200
    assert 'src="http' not in page.text
    assert "cdn" not in page.text
