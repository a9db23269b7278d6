"""What a change of a doctor's locations does to the calendar, on a real Postgres: free slots move, what is taken stays."""

from typing import Any
from uuid import UUID

import httpx2

from shared.contracts.availability import SlotReserved
from tests.integration.availability.availability import Availability, book, every_day
from tests.integration.availability.test_directory import DOCTORS, code, made
from tests.support.dates import in_days

DATE = in_days(2)
KATHMANDU, HONOLULU = "Asia/Kathmandu", "Pacific/Honolulu"


async def scheduled(http: httpx2.AsyncClient, *zones: str, place: int | None = None) -> tuple[Any, UUID]:
    """A doctor with a location in each zone, who is there from nine to ten every day: at one of them, or wherever."""
    doctor = await made(http, DOCTORS, name="Ada", locations=[{"address": zone, "time_zone": zone} for zone in zones])
    hours = every_day("09:00", "10:00", slot_minutes=30)
    if place is not None:
        hours = [{**entry, "location_id": doctor["locations"][place]["id"]} for entry in hours]
    answer = await http.put(f"{DOCTORS}/{doctor['id']}/schedule", json={"entries": hours})
    assert answer.status_code == 200, answer.text
    return doctor, UUID(doctor["id"])


async def open_times(http: httpx2.AsyncClient, doctor: UUID) -> set[str]:
    """The wall times of a day's open slots."""
    params = {"doctor_id": str(doctor), "from": DATE.isoformat(), "to": DATE.isoformat()}
    items = (await http.get("/internal/slots", params=params)).json()["items"]
    return {slot["local_start"][11:] for slot in items}


def as_sent(doctor: Any, *changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The locations of a doctor as they are, with these changes."""
    names = ("id", "name", "address", "time_zone")
    kept = [{name: place[name] for name in names} for place in doctor["locations"]]
    return [{**place, **change} for place, change in zip(kept, changes, strict=True)]


NEPAL, HAWAII, UTC = ({f"{time}:00{offset}" for time in ("09:00", "09:30")} for offset in ("+05:45", "-10:00", "+00:00"))


async def test_a_location_in_another_zone_moves_what_is_free(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, doctor_id = await scheduled(http, KATHMANDU, "UTC", place=0)
    assert await open_times(http, doctor_id) == NEPAL
    (held,) = (await service.deliver(book(service.clinic, doctor_id, DATE))).of(SlotReserved)
    one = f"{DOCTORS}/{doctor['id']}"
    renamed = await http.patch(one, json={"locations": as_sent(doctor, {"address": "Moved"}, {})})
    assert renamed.json()["version"] == 2
    assert await open_times(http, doctor_id) == NEPAL - {"09:00:00+05:45"}
    moved = await http.patch(one, json={"locations": as_sent(doctor, {"time_zone": HONOLULU}, {})})
    assert moved.json()["version"] == 3
    assert await open_times(http, doctor_id) == HAWAII
    taken = await service.rows("SELECT starts_at, published, time_zone FROM slots WHERE state = 'taken'")
    assert taken == [(held.starts_at, False, KATHMANDU)]


async def test_the_only_location_gives_its_zone_and_a_second_takes_it_away(http: httpx2.AsyncClient) -> None:
    doctor, doctor_id = await scheduled(http, KATHMANDU)
    assert await open_times(http, doctor_id) == NEPAL
    both = [*as_sent(doctor, {}), {"address": "x", "time_zone": HONOLULU}]
    await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": both})
    assert await open_times(http, doctor_id) == UTC, "the clinic's"
    await http.patch(f"{DOCTORS}/{doctor['id']}", json={"locations": [{"address": "x", "time_zone": HONOLULU}]})
    assert await open_times(http, doctor_id) == HAWAII


async def test_a_location_that_the_schedule_names_stays_until_it_names_it_no_more(http: httpx2.AsyncClient) -> None:
    doctor, _ = await scheduled(http, KATHMANDU, "UTC", place=0)
    one = f"{DOCTORS}/{doctor['id']}"
    assert code(await http.patch(one, json={"locations": []})) == (409, "in_use")
    assert (await http.put(f"{one}/schedule", json={"entries": []})).status_code == 200
    assert (await http.patch(one, json={"locations": []})).json()["locations"] == []


async def test_a_deleted_doctor_has_no_calendar(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, doctor_id = await scheduled(http, KATHMANDU)
    (held,) = (await service.deliver(book(service.clinic, doctor_id, DATE))).of(SlotReserved)
    one = f"{DOCTORS}/{doctor['id']}"
    refused = await http.delete(one)
    assert (code(refused), refused.json()["appointments"]) == ((409, "has_appointments"), [str(held.appointment_id)])
    assert (await http.delete(one, params={"cancel_appointments": True})).json()["appointments_left"] == 1
    assert await open_times(http, doctor_id) == set()
    assert await service.rows("SELECT state, published FROM slots") == [("taken", False)]
    assert await service.rows("SELECT FROM publications WHERE doctor_id = $1", doctor_id) == []
    for answer in (
        await http.put(f"{one}/schedule", json={"entries": []}),
        await http.post(f"{one}/exceptions", json={"kind": "closed", "from": DATE.isoformat(), "to": DATE.isoformat()}),
        await http.post(f"{one}/availability", json={"date": DATE.isoformat(), "available": False}),
    ):
        assert code(answer) == (404, "unknown_doctor")
