"""Who a request acts as while access is open, and which of its headers internal calls repeat."""

from dataclasses import dataclass, field
from uuid import UUID

import httpx2
import pytest
from fastapi import FastAPI

from services.gateway.access.open_access import OPEN, ByApiCaller
from services.gateway.clinics.cache import ClinicCache
from services.gateway.repository.clinics import Clinic
from shared.contracts.clinics import ClinicSettings
from shared.infra.api import create_api
from shared.infra.health import Readiness
from tests.unit.gateway.parts import CLINIC, gateway_with


@dataclass
class FakeClinics:
    """The cache of clinics; counts how often the clinic is asked for."""

    asked: list[UUID] = field(default_factory=list)

    @property
    def clinic(self) -> Clinic:
        self.asked.append(CLINIC)
        return Clinic(CLINIC, "default", ClinicSettings(time_zone="Europe/London"), 1)


@pytest.fixture
def clinics() -> FakeClinics:
    return FakeClinics()


@pytest.fixture
def app(clinics: FakeClinics) -> FastAPI:
    """An API whose one route has two parameters that need the caller."""
    app = create_api("Test", "test", "0.0.0", Readiness({}), docs=False)
    app.state.gateway = gateway_with(clinics=clinics)

    @app.patch("/caller")
    @app.get("/caller")
    async def read_caller(caller: ByApiCaller, same: ByApiCaller) -> dict[str, object]:
        assert caller is same
        return {"clinic": caller.clinic_id, "as": [caller.actor, caller.principal], "passed_on": caller.passed_on}

    return app


async def test_everybody_is_the_same_for_the_default_clinic(app: FastAPI, clinics: FakeClinics) -> None:
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as http:
        answer = (await http.get("/caller", headers={"Request-Id": "desk-7"})).json()
    assert (answer["clinic"], answer["as"]) == (str(CLINIC), [OPEN, OPEN])
    assert answer["passed_on"] == {"Request-Id": "desk-7"}
    assert len(clinics.asked) == 1, "resolved once a request"


async def test_headers_that_owners_judge_are_passed_on(app: FastAPI) -> None:
    headers = [(b"If-Match", b'"v1"'), (b"If-Match", b'"v2"'), (b"Accept-Language", b"zh-Hant, \xe9"), (b"Cookie", b"x")]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as http:
        passed_on = (await http.get("/caller", headers=headers)).json()["passed_on"]
    assert (passed_on["If-Match"], passed_on["Accept-Language"]) == ('"v1", "v2"', "zh-Hant, ?")
    assert set(passed_on) == {"Request-Id", "If-Match", "Accept-Language"}


async def change(app: FastAPI, content: bytes, *tags: str) -> httpx2.Response:
    """The answer to a change of what has one of these tags."""
    headers = [(b"If-Match", tag.encode()) for tag in tags]
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://gateway") as http:
        return await http.patch("/caller", content=content, headers=headers)


@pytest.mark.parametrize("tags", [("v1",), ("1",), ('"v1',), ("'v1'",), ("",), ('"v1", v2',), ("*", '"v1"'), ("v\u00e9",)])
async def test_a_tag_without_its_quotes_is_named_and_is_no_other_version(app: FastAPI, tags: tuple[str, ...]) -> None:
    answer = await change(app, b"{}", *tags)
    assert (answer.status_code, answer.json()["code"]) == (422, "validation_failed")
    assert [error["field"] for error in answer.json()["errors"]] == ["If-Match"]
    assert (await change(app, b"{", *tags)).json()["code"] == "invalid_json", "what is no JSON is refused first"


@pytest.mark.parametrize("tags", [(), ("*",), ('"v1"',), ('W/"v1" , "v2"',), ('"v1"', '"x"'), ('""',)])
async def test_a_tag_is_for_its_owner_to_judge(app: FastAPI, tags: tuple[str, ...]) -> None:
    assert (await change(app, b"{}", *tags)).status_code == 200


def test_the_cache_keeps_the_newest_version() -> None:
    settings = ClinicSettings(time_zone="Europe/London")
    first, second = (Clinic(CLINIC, "default", settings, version) for version in (1, 2))
    cache = ClinicCache(None, second)  # type: ignore[arg-type]  # nothing is read
    cache.update(first)
    assert cache.clinic is second
    cache.update(Clinic(CLINIC, "default", ClinicSettings(time_zone="Asia/Kathmandu"), 2))
    assert cache.clinic.settings.time_zone == "Asia/Kathmandu", "the same version, read again"
