"""The queue's internal HTTP on a real Postgres: pages in order of position, for one clinic."""

from collections.abc import AsyncIterator, Awaitable, Callable
from uuid import UUID, uuid4

import httpx2
import pytest

from services.queue.app import create_app
from services.queue.settings import Settings
from shared.contracts import internal
from shared.infra.postgres import Database
from shared.infra.runtime import Runtime
from tests.integration.queue.conftest import TODAY, checked_in, run


@pytest.fixture
async def client(
    service_settings: Callable[[str], Settings], runtime: Callable[[str], Awaitable[Runtime]]
) -> AsyncIterator[httpx2.AsyncClient]:
    """The application of a process without its consumer: reads need Postgres only."""
    app = create_app(service_settings("queue"))
    app.state.runtime = await runtime("queue")
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app), base_url="http://queue") as client:
        yield client


async def test_a_queue_is_read_page_by_page_in_order_of_position(
    client: httpx2.AsyncClient, database: Database, clinic_id: UUID
) -> None:
    doctor = uuid4()
    messages = [checked_in(clinic_id, doctor) for _ in range(5)]
    await run(database, *messages)
    seen: list[dict[str, object]] = []
    sizes: list[int] = []
    cursor = None
    while cursor or not sizes:
        params = {"date": str(TODAY), "limit": "2", **({"cursor": cursor} if cursor else {})}
        page = (await client.get(f"/internal/queues/{doctor}", params=params, headers=acting_for(clinic_id))).json()
        seen, cursor, sizes = seen + page["items"], page["next_cursor"], [*sizes, len(page["items"])]
    assert sizes == [2, 2, 1]
    assert [(e["position"], e["appointment_id"]) for e in seen] == [(n, str(m.appointment_id)) for n, m in enumerate(messages, 1)]
    assert set(seen[0]) == {
        "id", "appointment_id", "doctor_id", "patient_id", "date", "position", "state", "checked_in_at",
    }  # fmt: skip
    assert seen[0]["state"] == "waiting" and seen[0]["checked_in_at"] == "2026-03-02T09:00:00Z"


async def test_a_full_last_page_has_no_next(client: httpx2.AsyncClient, database: Database, clinic_id: UUID) -> None:
    doctor = uuid4()
    await run(database, checked_in(clinic_id, doctor), checked_in(clinic_id, doctor))
    answer = await client.get(f"/internal/queues/{doctor}?date={TODAY}&limit=2", headers=acting_for(clinic_id))
    assert len(answer.json()["items"]) == 2 and answer.json()["next_cursor"] is None


async def test_another_clinic_another_day_and_nobody_waiting_are_an_empty_queue(
    client: httpx2.AsyncClient, database: Database, clinic_id: UUID
) -> None:
    doctor = uuid4()
    await run(database, checked_in(clinic_id, doctor))
    for clinic, date in ((uuid4(), TODAY), (clinic_id, "2026-03-03")):
        answer = await client.get(f"/internal/queues/{doctor}?date={date}", headers=acting_for(clinic))
        assert (answer.status_code, answer.json()) == (200, {"items": [], "next_cursor": None})


@pytest.mark.parametrize(
    ("query", "field"),
    [("", "date"), ("date=soon", "date"), ("date=2026-03-02&limit=201", "limit"), ("date=2026-03-02&cursor=x", "cursor")],
)
async def test_a_bad_parameter_is_named(client: httpx2.AsyncClient, clinic_id: UUID, query: str, field: str) -> None:
    answer = await client.get(f"/internal/queues/{uuid4()}?{query}", headers=acting_for(clinic_id))
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_without_a_clinic_nothing_is_read(client: httpx2.AsyncClient) -> None:
    answer = await client.get(f"/internal/queues/{uuid4()}?date={TODAY}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == [internal.CLINIC]


def acting_for(clinic: UUID) -> dict[str, str]:
    return {internal.CLINIC: str(clinic)}
