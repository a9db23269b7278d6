"""A weekly schedule over internal HTTP on a real Postgres: written, read back, and what it makes of days and slots."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import httpx2
import pytest

from services.availability.domain import slot_generation
from services.availability.domain.slot_generation import SLOTS_AT_ONCE
from services.availability.service.calendar.slot_generation import slot_generation_job
from shared.contracts.availability import SlotReserved
from shared.contracts.problems import Code
from tests.integration.availability.availability import Availability, book, every_day, releases
from tests.support.dates import in_days

NINE_TO_TEN = every_day("09:00", "10:00")
OF_DATES = "SELECT date, count(*) FROM slots WHERE doctor_id = $1 GROUP BY date ORDER BY date"
OPEN = "SELECT date, starts_at FROM slots WHERE doctor_id = $1 AND state = 'free' AND published AND starts_at > now() ORDER BY 2"


def path(doctor: UUID) -> str:
    return f"/internal/doctors/{doctor}/schedule"


async def put(http: httpx2.AsyncClient, doctor: UUID, entries: list[dict[str, Any]], match: str | None = None) -> Any:
    return await http.put(path(doctor), json={"entries": entries}, headers={"If-Match": match} if match else {})


async def test_a_schedule_is_read_back_as_it_was_written(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    assert (await http.get(path(doctor))).json() == {"entries": [], "version": 0}
    written = [
        {"weekday": "tue", "start": "13:00", "end": "24:00", "location_id": None, "slot_minutes": 20,
         "valid_from": "2030-01-01", "valid_to": "2030-12-31"},
        {"weekday": "mon", "start": "09:00", "end": "12:00", "location_id": None, "slot_minutes": 15,
         "valid_from": None, "valid_to": None},
    ]  # fmt: skip
    answer = await put(http, doctor, [written[0], {"weekday": "mon", "start": "09:00", "end": "12:00"}])
    assert answer.json() == {"entries": written, "version": 1, "displaced_ids": [], "slots_incomplete": False}
    assert answer.headers["ETag"] == '"v1"'
    again = await http.get(path(doctor))
    assert again.json() == {"entries": written, "version": 1} and again.headers["ETag"] == '"v1"'


async def test_the_same_schedule_again_changes_nothing(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    assert (await put(http, doctor, [])).json()["version"] == 0
    assert (await put(http, doctor, NINE_TO_TEN)).json()["version"] == 1
    before = await service.rows("SELECT id FROM slots ORDER BY id")
    assert (await put(http, doctor, NINE_TO_TEN, '"v1"')).json()["version"] == 1
    stale = await put(http, doctor, [], '"v0"')
    assert (stale.status_code, stale.json()["code"]) == (412, Code.STALE)
    assert await service.rows("SELECT id FROM slots ORDER BY id") == before
    assert await service.rows("SELECT count(*) FROM audit WHERE action = 'schedule_changed'") == [(1,)]


async def test_slots_reach_to_the_horizon_and_are_booked_by_date_earliest_first(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    await put(http, doctor, NINE_TO_TEN)
    slots = await service.rows(OPEN, doctor)
    assert {slot[0] for slot in slots} - {in_days()} == {in_days(n) for n in range(1, 61)}
    said = await service.deliver(*(book(service.clinic, doctor) for _ in range(5)))
    reserved = said.of(SlotReserved)
    assert [one.starts_at.strftime("%H:%M") for one in reserved if one.starts_at] == ["09:00", "09:15", "09:30", "09:45"]
    assert {one.time_zone for one in reserved} == {"UTC"} and [one.slot_number for one in reserved] == [1, 2, 3, 4]
    assert said.refusals == [Code.FULL]
    said = await service.deliver(releases(reserved[2]), releases(reserved[1]), book(service.clinic, doctor))
    assert said.of(SlotReserved)[0].starts_at == reserved[1].starts_at


async def test_dates_without_hours_are_absent_or_too_far(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor = await service.doctor()
    weekday = f"{in_days(1):%a}".lower()
    await put(http, doctor, [{"weekday": weekday, "start": "09:00", "end": "10:00"}])
    dates = [in_days(1), in_days(2), in_days(61), in_days(-3)]
    said = [(await service.deliver(book(service.clinic, doctor, date))).refusals for date in dates]
    assert said == [[], [Code.DOCTOR_ABSENT], [Code.TOO_FAR], [Code.PAST_DATE]]


async def test_a_daily_day_with_a_booking_stays_daily(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, later = await service.doctor(), in_days(2)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    (gone,) = (await service.deliver(book(service.clinic, doctor, later))).of(SlotReserved)
    await service.deliver(releases(gone))
    await put(http, doctor, NINE_TO_TEN)
    assert (await service.deliver(book(service.clinic, doctor))).numbers == [2]
    (timed,) = (await service.deliver(book(service.clinic, doctor, later))).of(SlotReserved)
    assert timed.starts_at is not None and held.starts_at is None


async def test_what_lost_its_hours_is_displaced_stays_and_goes_when_it_is_freed(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    await put(http, doctor, NINE_TO_TEN)
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(2)))).of(SlotReserved)
    answer = await put(http, doctor, every_day("09:15", "09:45"))
    assert answer.json()["displaced_ids"] == [str(held[0].appointment_id)]
    assert await service.rows("SELECT starts_at FROM slots WHERE NOT published") == [(held[0].starts_at,)]
    said = await service.deliver(*(releases(one) for one in held), book(service.clinic, doctor))
    assert said.of(SlotReserved)[0].starts_at == held[1].starts_at
    assert await service.rows("SELECT FROM slots WHERE NOT published") == []
    assert await service.rows("SELECT due_at <= now() FROM publications WHERE doctor_id = $1", doctor) == [(True,)]


async def test_without_a_schedule_days_have_numbers_again(service: Availability, http: httpx2.AsyncClient) -> None:
    doctor, later = await service.doctor(), in_days(2)
    await put(http, doctor, NINE_TO_TEN)
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    answer = await put(http, doctor, [])
    assert answer.json()["displaced_ids"] == [str(held.appointment_id)]
    (daily,) = (await service.deliver(book(service.clinic, doctor, later))).of(SlotReserved)
    assert daily.starts_at is None
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.DOCTOR_ABSENT], (
        "a day that somebody has a time of keeps its times"
    )


@pytest.mark.parametrize(
    ("entries", "fields"),
    [
        ([{"start": "09:00", "end": "09:00"}, {"start": "10:00", "end": "09:30"}], {"entries.0.end", "entries.1.end"}),
        ([{"start": "09:00", "end": "10:00"}, {"start": "09:59", "end": "11:00"}], {"entries.1"}),
        ([{"start": "9:00", "end": "10:00"}, {"start": "10:00", "end": "24:01"}], {"entries.0.start", "entries.1.end"}),
        ([{"start": "09:00", "end": "10:00", "location_id": str(uuid4())}], {"entries.0.location_id"}),
        ([{"start": "09:00", "end": "10:00", "valid_from": "2030-01-02", "valid_to": "2030-01-01"}], {"entries.0.valid_to"}),
        ([{"start": "09:00", "end": "10:00", "slot_minutes": 0}], {"entries.0.slot_minutes"}),
    ],
)
async def test_every_bad_entry_is_named(
    service: Availability, http: httpx2.AsyncClient, entries: list[dict[str, Any]], fields: set[str]
) -> None:
    doctor = await service.doctor()
    refused = await put(http, doctor, [{"weekday": "mon", **entry} for entry in entries])
    assert refused.status_code == 422
    assert {error["field"] for error in refused.json()["errors"]} == fields
    assert await service.rows("SELECT FROM schedule_entries") == []


async def test_strangers_and_deleted_doctors_have_no_schedule(service: Availability, http: httpx2.AsyncClient) -> None:
    for doctor in (uuid4(), await service.doctor("deleted"), await service.doctor(clinic=uuid4())):
        assert (await put(http, doctor, [])).json()["code"] == Code.UNKNOWN_DOCTOR
        assert (await http.get(path(doctor))).json()["code"] == Code.UNKNOWN_DOCTOR


async def test_slots_of_a_minute_are_answered_in_time_and_the_job_adds_those_of_later_dates(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    """86,400 in two months: all at once would take longer than the caller waits, and nothing would be done."""
    doctor, every_minute = await service.doctor(), every_day("00:00", "24:00", slot_minutes=1)
    said = (await put(http, doctor, every_minute)).json()
    assert (said["version"], said["slots_incomplete"]) == (1, True)
    counts = await service.rows(OF_DATES, doctor)
    assert sum(count for _, count in counts) <= SLOTS_AT_ONCE + 1440
    assert [day for day, _ in counts][-1] == counts[0][0] + dt.timedelta(days=len(counts) - 1), "of the nearest dates"
    assert (await put(http, doctor, every_minute)).json()["slots_incomplete"], "the same again knows it, too"
    await slot_generation_job(service.units).work()
    more = await service.rows(OF_DATES, doctor)
    assert more[: len(counts)] == counts and len(more) > len(counts)


async def test_what_is_to_be_added_later_is_added_by_the_job_until_all_is_there(
    service: Availability, http: httpx2.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    doctor = await service.doctor()
    assert not (await put(http, doctor, NINE_TO_TEN)).json()["slots_incomplete"]
    before = await service.rows(OPEN, doctor)
    monkeypatch.setattr(slot_generation, "SLOTS_AT_ONCE", 100)
    assert (await put(http, doctor, every_day("10:00", "11:00"))).json()["slots_incomplete"]
    now = await service.rows(OPEN, doctor)
    assert not set(now) & set(before), "nothing of before can be booked"
    assert len(now) < len(before)
    job = slot_generation_job(service.units)
    for _ in range(3):
        await job.work()
    assert {day for day, _ in await service.rows(OPEN, doctor)} >= {in_days(n) for n in range(1, 61)}
    assert not (await put(http, doctor, every_day("10:00", "11:00"))).json()["slots_incomplete"]
