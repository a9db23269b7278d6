"""The day of a doctor is that of the doctor's only location, also where the clinic's is another one at this moment."""

import datetime as dt
from typing import Any
from zoneinfo import ZoneInfo

from tests.support.clinic import Clinic, in_days, problem_of, week

DAY = dt.timedelta(days=1)


def zone_of_another_day() -> ZoneInfo:
    """A zone where it is not the date of UTC: yesterday's until noon, tomorrow's from ten o'clock on."""
    return ZoneInfo("Etc/GMT+12" if dt.datetime.now(dt.UTC).hour < 11 else "Pacific/Kiritimati")


async def elsewhere(clinic: Clinic, schedule: dict[str, Any] | None = None) -> tuple[str, dt.date]:
    """A doctor whose only location is there, with daily capacity or with this schedule, and the date there."""
    zone = zone_of_another_day()
    doctor = await clinic.doctor_at_place(schedule or {"entries": []}, time_zone=zone.key)
    return doctor["id"], dt.datetime.now(zone).date()


async def test_a_daily_doctor_elsewhere_is_booked_and_met_by_the_date_there(clinic: Clinic) -> None:
    (doctor, today), patient = await elsewhere(clinic), await clinic.patient()
    assert str(today) != in_days(0)
    for path, body in (
        ("/appointments", {"doctor_id": doctor, "patient_id": patient}),
        (f"/doctors/{doctor}/availability", {"capacity": 3}),
    ):
        assert problem_of(await clinic.post(path, {**body, "date": str(today - DAY)})) == (422, "past_date")
    here, cancelled, moved = [await clinic.booked(doctor, patient, str(today)) for _ in range(3)]
    assert (await clinic.cancel(cancelled["id"])).status_code == 200
    assert (await clinic.move(moved["id"], {"date": str(today + DAY)})).status_code == 200
    assert problem_of(await clinic.check_in(moved["id"], patient)) == (422, "not_today")
    assert (await clinic.check_in(here["id"], patient)).status_code == 201
    queue = await clinic.get(f"/checkins/doctors/{doctor}/queue")
    assert [entry["appointment_id"] for entry in queue.json()["items"]] == [here["id"]], "without a date it is the doctor's today"


async def test_a_day_that_is_set_elsewhere_is_that_of_the_place(clinic: Clinic) -> None:
    doctor, today = await elsewhere(clinic)
    made = await clinic.post(f"/doctors/{doctor}/availability", {"date": str(today), "capacity": 2})
    assert (made.status_code, made.json()["capacity"]) == (201, 2)
    patient = await clinic.patient()
    booked = await clinic.booked(doctor, patient, str(today))
    assert (await clinic.check_in(booked["id"], patient)).status_code == 201


async def test_a_search_without_dates_begins_now_whatever_the_zone(clinic: Clinic) -> None:
    doctor, today = await elsewhere(clinic, week("00:00", "24:00", slot_minutes=60))
    for query in ({"earliest": 2}, {"limit": 2}, {"limit": 2, "to": str(today)}):
        slots = (await clinic.get("/slots", doctor_id=doctor, **query)).json()["items"]
        starts = [dt.datetime.fromisoformat(slot["starts_at"]) for slot in slots]
        assert starts[0] - dt.datetime.now(dt.UTC) <= dt.timedelta(hours=1), query
    dates = {slot["date"] for slot in (await clinic.get("/slots", doctor_id=doctor, limit=200)).json()["items"]}
    assert dates == {str(today + number * DAY) for number in range(7)}, "today and the six days that follow, there"


async def test_the_earliest_slots_are_found_as_far_as_can_be_booked(clinic: Clinic) -> None:
    begins = in_days(9)
    doctor = await clinic.timed_doctor(week("09:00", "10:00", slot_minutes=30, valid_from=begins))
    slots = (await clinic.get("/slots", doctor_id=doctor, earliest=3)).json()["items"]
    assert [slot["date"] for slot in slots] == [begins, begins, in_days(10)]
    assert len((await clinic.get("/slots", doctor_id=doctor, earliest=3, **{"from": in_days(1)})).json()["items"]) == 3
    assert (await clinic.get("/slots", doctor_id=doctor)).json()["items"] == [], "a page is a week"
    assert (await clinic.get("/slots", doctor_id=doctor, earliest=3, to=in_days(8))).json()["items"] == []
