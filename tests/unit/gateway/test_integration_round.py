"""The round of `/integration-test`: where it is offered, what it says of a failure, and what it leaves behind: nothing."""

from uuid import UUID

import httpx2
import pytest
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.selftest.round import Round
from services.gateway.settings import Settings
from shared.infra.clockwork import Clock
from tests.unit.gateway.test_settings import ENVIRONMENT

TESTING = {**ENVIRONMENT, "ENVIRONMENT": "integration-test"}
MADE = str(UUID(int=1))


def api(request: httpx2.Request) -> httpx2.Response:
    """An API that makes everything but doctors."""
    if request.url.path == "/doctors":
        return httpx2.Response(503, json={"code": "unavailable"})
    status = {"POST": 201, "DELETE": 204}.get(request.method, 200)
    return httpx2.Response(status, json={"id": MADE, "settings": {"region": "GB"}}, headers={"ETag": '"v1"'})


async def test_a_failure_names_its_step_and_leaves_nothing() -> None:
    requests: list[str] = []

    def recorded(request: httpx2.Request) -> httpx2.Response:
        requests.append(f"{request.method} {request.url.path}")
        return api(request)

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(recorded), base_url="http://api") as http:
        view = await Round(http, Clock()).run()
    assert (view.status, view.failed) == ("failed", "make the doctor: 503 unavailable and not 201")
    assert [step.status for step in view.steps] == [200, 200, 201, 201, 503]
    assert requests[-2:] == [f"DELETE /price-ranges/{MADE}", f"DELETE /categories/{MADE}"]


async def test_an_api_that_breaks_off_is_a_failure_too() -> None:
    def broken(_request: httpx2.Request) -> httpx2.Response:
        raise httpx2.ReadError("gone")

    async with httpx2.AsyncClient(transport=httpx2.MockTransport(broken), base_url="http://api") as http:
        view = await Round(http, Clock()).run()
    assert (view.status, view.failed, view.steps) == ("failed", "read the clinic: ReadError('gone')", [])


async def test_an_answer_of_another_shape_is_a_failure_too() -> None:
    transport = httpx2.MockTransport(lambda _: httpx2.Response(200, text="hello"))
    async with httpx2.AsyncClient(transport=transport, base_url="http://api") as http:
        assert str((await Round(http, Clock()).run()).failed).startswith("read the clinic: JSONDecodeError(")


@pytest.mark.parametrize("environment", ["development", "integration-test"])
def test_it_is_no_part_of_the_document(environment: str) -> None:
    app = create_app(Settings.from_environment({**ENVIRONMENT, "ENVIRONMENT": environment}))
    assert "/integration-test" not in app.openapi()["paths"]


def test_elsewhere_there_is_nothing() -> None:
    answer = TestClient(create_app(Settings.from_environment(ENVIRONMENT))).get("/integration-test")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


def test_a_round_that_fails_is_a_503() -> None:
    answer = TestClient(create_app(Settings.from_environment(TESTING))).get("/integration-test")
    assert answer.status_code == 503
    assert answer.json()["failed"] == "read the clinic: 500 internal and not 200"
