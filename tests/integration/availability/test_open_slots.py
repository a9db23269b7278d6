"""The open slots of a doctor over internal HTTP: what can be booked, in which order, with which clocks."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, book, every_day
from tests.support.dates import in_days


async def open_slots(
    http: httpx2.AsyncClient, doctor: UUID, first: dt.date | None = None, last: dt.date | None = None, **more: Any
) -> Any:
    params = {"doctor_id": str(doctor), "from": str(first or in_days(1)), "to": str(last or in_days(1)), **more}
    answer = await http.get("/internal/slots", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def put(http: httpx2.AsyncClient, doctor: UUID, entries: list[dict[str, Any]]) -> None:
    answer = await http.put(f"/internal/doctors/{doctor}/schedule", json={"entries": entries})
    assert answer.status_code == 200, answer.text


async def test_a_slot_is_told_in_utc_and_by_its_own_clock(service: Availability, http: httpx2.AsyncClient) -> None:
    await service.settings(time_zone="Asia/Kathmandu")
    doctor = await service.doctor()
    await put(http, doctor, every_day("09:00", "09:30", slot_minutes=30))
    (slot,) = (await open_slots(http, doctor))["items"]
    assert slot["id"] and slot | {"id": None} == {
        "id": None, "doctor_id": str(doctor), "location_id": None, "number": 1, "date": str(in_days(1)), "status": "free",
        "starts_at": f"{in_days(1)}T03:15:00Z", "ends_at": f"{in_days(1)}T03:45:00Z",
        "local_start": f"{in_days(1)}T09:00:00+05:45", "local_end": f"{in_days(1)}T09:30:00+05:45",
    }  # fmt: skip


async def test_only_what_can_be_booked_is_open(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await put(http, doctor, every_day("00:00", "24:00", slot_minutes=60))
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    items = (await open_slots(http, doctor, limit=50))["items"]
    assert [slot["number"] for slot in items] == list(range(2, 25)) and held.slot_number == 1
    now = dt.datetime.now(dt.UTC)
    of_today = (await open_slots(http, doctor, in_days(), in_days()))["items"]
    assert all(dt.datetime.fromisoformat(slot["starts_at"]) > now for slot in of_today)
    await service.settings(lead_time_minutes=2 * 1440)
    assert (await open_slots(http, doctor))["items"] == []
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.TOO_SOON], (
        "what is not open is not given either"
    )
    await service.settings(2)
    await http.post(f"/internal/doctors/{doctor}/availability", json={"date": in_days(1).isoformat(), "available": False})
    assert (await open_slots(http, doctor))["items"] == []
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.DOCTOR_ABSENT]


async def test_pages_follow_in_order_of_start(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await put(http, doctor, every_day("09:00", "10:00"))
    whole = (await open_slots(http, doctor, in_days(1), in_days(2)))["items"]
    assert len(whole) == 8 and whole == sorted(whole, key=lambda slot: slot["starts_at"])
    pages: list[Any] = []
    cursor: dict[str, str] = {}
    while True:
        page = await open_slots(http, doctor, in_days(1), in_days(2), limit=3, **cursor)
        pages += page["items"]
        if page["next_cursor"] is None:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert pages == whole


async def test_without_dates_it_is_a_week_from_today(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    await put(http, doctor, every_day("23:58", "23:59", slot_minutes=1))
    items = (await http.get("/internal/slots", params={"doctor_id": str(doctor)})).json()["items"]
    assert [slot["date"] for slot in items][-1] == str(in_days(6)) and len(items) in (6, 7)


async def test_daily_doctors_have_no_open_slots_and_strangers_are_unknown(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    assert (await open_slots(http, doctor))["items"] == []
    for stranger in (uuid4(), await service.doctor(clinic=uuid4())):
        assert (await http.get("/internal/slots", params={"doctor_id": str(stranger)})).json()["code"] == Code.UNKNOWN_DOCTOR


@pytest.mark.parametrize(
    ("params", "field"),
    [
        ({"from": "2030-01-01", "to": "2030-03-04"}, "to"),
        ({"from": "2030-01-02", "to": "2030-01-01"}, "to"),
        ({"from": "9999-12-31", "to": "2030-01-01"}, "to"),
        ({"cursor": "x"}, "cursor"),
        ({"from": "tomorrow"}, "from"),
    ],
)
async def test_a_range_that_is_none_is_refused(
    service: Availability, http: httpx2.AsyncClient, params: dict[str, str], field: str
) -> None:
    answer = await http.get("/internal/slots", params={"doctor_id": str(await service.doctor()), **params})
    assert (answer.status_code, [error["field"] for error in answer.json()["errors"]]) == (422, [field])


async def test_the_longest_range_and_the_last_dates_are_fine(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    assert (await open_slots(http, doctor, dt.date(2030, 1, 1), dt.date(2030, 3, 3)))["items"] == []
    answer = await http.get("/internal/slots", params={"doctor_id": str(doctor), "from": "9999-12-31"})
    assert answer.json() == {"items": [], "next_cursor": None}


async def test_it_is_asked_which_appointments_have_a_place(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    answer = await http.post("/internal/appointments/taken", json={"ids": [str(uuid4()), str(held.appointment_id)]})
    assert answer.json() == [str(held.appointment_id)]
