"""A clinic whose settings have not arrived: nothing of it is judged by defaults, and what waits is done once they are there."""

from typing import Any
from uuid import UUID

import httpx2
import pytest

from shared.contracts import internal
from shared.infra import calls
from shared.infra.errors import UnknownClinic
from shared.infra.ids import new_id
from tests.integration.availability.availability import Availability, book, settings_changed
from tests.support.dates import in_days

DAYS = "SELECT time_zone FROM days"
FORGET = "DELETE FROM clinic_settings"


@pytest.fixture
async def unheard(service: Availability, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch) -> Availability:
    """The service has not heard of the clinic."""
    monkeypatch.setattr(calls, "SETTINGS_SECONDS", 0.05)
    await service.execute(FORGET)
    return service


async def test_a_booking_waits_and_its_day_is_made_by_the_settings(service: Availability) -> None:
    doctor = await service.doctor()
    await service.execute(FORGET)
    booking = book(service.clinic, doctor)
    with pytest.raises(UnknownClinic):
        await service.deliver(booking)
    assert await service.rows(DAYS) == []
    await service.settings(time_zone="Asia/Tokyo", default_daily_capacity=2)
    assert (await service.deliver(booking)).numbers == [1]
    assert await service.rows(DAYS) == [("Asia/Tokyo",)]
    assert len(await service.slots(doctor)) == 2


async def test_settings_that_come_with_a_booking_are_there_before_it(service: Availability) -> None:
    doctor = await service.doctor()
    await service.execute(FORGET)
    change = settings_changed(service.clinic, 1, default_daily_capacity=2)
    assert (await service.deliver(book(service.clinic, doctor), change)).numbers == [1]
    assert len(await service.slots(doctor)) == 2


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/doctors", {"name": "Dr Ada"}),
        ("GET", "/doctors", None),
        ("GET", "/doctors/{doctor}", None),
        ("GET", "/doctors/{doctor}/today", None),
        ("GET", "/doctors/{doctor}/availability?date={date}", None),
        ("POST", "/doctors/{doctor}/availability", {"date": "{date}"}),
        ("PUT", "/doctors/{doctor}/schedule", {"entries": [{"weekday": "mon", "start": "09:00", "end": "10:00"}]}),
        ("POST", "/doctors/{doctor}/exceptions", {"kind": "closed", "from": "{date}", "to": "{date}", "reason": "ill"}),
        ("GET", "/slots", None),
    ],
)
async def test_a_call_is_refused_and_has_no_effect(
    unheard: Availability, http: httpx2.AsyncClient, method: str, path: str, body: Any
) -> None:
    doctor: UUID = await unheard.doctor()
    await unheard.execute(FORGET)
    names = {"doctor": str(doctor), "date": str(in_days(1))}
    said = {name: names["date"] if value == "{date}" else value for name, value in body.items()} if body else None
    headers = {internal.COMMAND_ID: str(new_id())} if method == "POST" else {}
    answer = await http.request(method, "/internal" + path.format(**names), json=said, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable"), answer.text
    assert answer.headers["Retry-After"] == "2"
    assert answer.json()["detail"] == calls.NOT_HEARD
    assert await unheard.rows("SELECT id FROM doctors") == [(doctor,)]
    for table in ("days", "slots", "exceptions", "schedule_entries", "outcomes", "audit"):
        assert await unheard.rows(f"SELECT 1 FROM {table}") == [], table
