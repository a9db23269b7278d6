"""What operations and newcomers see: health, metrics, the document of the API, and one correlation id from end to end."""

import re
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from deploy import installation
from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from shared.contracts.topics import APPOINTMENT_EVENTS, AVAILABILITY_EVENTS, BOOKING_COMMANDS
from tests.e2e.metrics import counter
from tests.support.clinic import Clinic, in_days
from tests.support.kafka import messages_of, records_of
from tests.support.waiting import eventually

WRITING = ("post", "put", "patch")


@pytest.mark.parametrize("path", ["/health", "/health/live", "/health/ready", "/metrics", "/docs", "/redoc"])
async def test_what_stands_outside_of_the_api(stack: Services, path: str) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("gateway")) as client:

        async def answers() -> bool:  # an outage of the tests before may not be over for everybody
            response = await client.get(path)
            assert response.status_code == 200, response.text
            return True

        assert await eventually(answers)


@pytest.mark.parametrize("instance", ["availability", "availability-2", "booking", "queue"])
async def test_every_service_has_probes_and_metrics(stack: Services, instance: str) -> None:
    async with httpx2.AsyncClient(base_url=stack.url(instance)) as client:
        for path in ("/health/live", "/health/ready"):
            assert (await client.get(path)).status_code == 200
        assert "frontdesk_build_info{" in (await client.get("/metrics")).text


@pytest.mark.parametrize("instance", ["availability", "booking", "queue", "gateway"])
async def test_every_process_measures_for_how_long_its_loop_was_blocked(stack: Services, instance: str) -> None:
    async def measured() -> bool:
        return await counter(stack, "frontdesk_event_loop_blocked_seconds_count", [instance]) > 0

    assert await eventually(measured)


async def test_the_integration_test_is_only_where_that_environment_is(stack: Services) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("gateway")) as client:
        answer = await client.get("/integration-test")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_the_view_of_everything(stack: Services) -> None:
    named = {"gateway", *(spec.name for spec in installation.called_by_gateway())}, {"postgres", "kafka", "redis"}

    async def all_well() -> bool:
        # Each check has two seconds, which an answer can miss on a machine that does much else.
        view = (await client.get("/health")).json()
        assert (set(view["services"]), set(view["stores"])) == named
        assert {*view["services"].values(), *view["stores"].values()} == {"ok"}, view
        return bool(view["status"] == "ok")

    async with httpx2.AsyncClient(base_url=stack.url("gateway")) as client:
        await eventually(all_well)


async def test_the_document_needs_no_other_server(stack: Services) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("gateway")) as client:
        for path in ("/docs", "/redoc"):
            page = (await client.get(path)).text
            assert not re.findall(r'(?:src|href)="https?://(?!127\.0\.0\.1)', page)


async def test_one_correlation_id_goes_through_every_message_and_into_the_log(clinic: Clinic, servers: Backend) -> None:
    doctor, patient, name = await clinic.doctor(capacity=1), await clinic.patient("Zelda Unmistakable"), f"e2e-{uuid4()}"
    answer = await clinic.clients[0].post(
        "/appointments", json={"doctor_id": doctor, "patient_id": patient, "date": in_days(1)}, headers={"Request-Id": name}
    )
    assert (answer.status_code, answer.headers["request-id"]) == (201, name)
    for topic in (BOOKING_COMMANDS, AVAILABILITY_EVENTS, APPOINTMENT_EVENTS):
        assert await messages_of(servers.kafka_bootstrap, topic, correlation_id=name), topic.name

    async def logged() -> bool:
        return name in _log(servers, "gateway")

    await eventually(logged)


async def test_nothing_of_a_patient_is_in_messages_or_logs(clinic: Clinic, servers: Backend) -> None:
    doctor, date, number = await clinic.doctor(capacity=1), "1977-11-23", f"{uuid4().int % 10**8:08d}"
    person = {"name": "Zelda Unmistakable", "phone": f"+4478{number}", "date_of_birth": date}
    patient = (await clinic.post("/patients", person)).json()["id"]
    booked = await clinic.booked(doctor, patient)
    await clinic.cancel(booked["id"])
    secrets = (b"Unmistakable", number.encode(), date.encode())
    for topic in (BOOKING_COMMANDS, AVAILABILITY_EVENTS, APPOINTMENT_EVENTS):
        for record in await records_of(servers.kafka_bootstrap, topic.name, topic.partitions):
            assert not [secret for secret in secrets if secret in record.value]
    logs = "".join(path.read_text() for path in servers.logs.glob("*.jsonl"))
    assert not [secret for secret in secrets if secret.decode() in logs]


async def test_each_example_of_the_document_is_a_request_that_the_app_takes(stack: Services) -> None:
    """Ids of examples belong to nobody, so a 404 is right; a body that its own document shows is never refused for its shape."""
    async with httpx2.AsyncClient(base_url=stack.url("gateway"), timeout=30) as client:
        document = (await client.get("/openapi.json")).json()
        sent = 0
        for path, operations in document["paths"].items():
            for method in set(operations) & set(WRITING):
                for example in _examples(operations[method]):
                    answer = await client.request(method, _filled(path), json=example)
                    declared = operations[method]["responses"]
                    assert str(answer.status_code) in declared, f"{method} {path}: {answer.text}"
                    assert answer.status_code != 400
                    code = answer.json().get("code") if answer.status_code == 422 else None
                    assert code != "validation_failed", f"{method} {path}: {answer.text}"
                    sent += 1
    assert sent >= 6


async def test_every_operation_has_a_name_of_its_own(stack: Services) -> None:
    async with httpx2.AsyncClient(base_url=stack.url("gateway")) as client:
        document = (await client.get("/openapi.json")).json()
    names = [operation["operationId"] for path in document["paths"].values() for operation in path.values()]
    assert len(names) == len(set(names))
    assert [name for name in names if not re.fullmatch(r"[a-z]+(_[a-z]+)+", name)] == []


def _examples(operation: dict[str, Any]) -> list[Any]:
    content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    single = [content["example"]] if "example" in content else []
    return single + [named["value"] for named in content.get("examples", {}).values()]


def _filled(path: str) -> str:
    return re.sub(r"\{\w+\}", str(UUID(int=uuid4().int)), path)


def _log(servers: Backend, service: str) -> str:
    return Path(servers.logs / f"{service}.jsonl").read_text()
