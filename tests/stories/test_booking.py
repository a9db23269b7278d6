"""Bookings by date: places in order, what keeps one from being booked, and how it is read."""

import pytest

from tests.support.clinic import Clinic, in_days, problem_of


async def test_a_day_without_a_record_has_the_default_capacity_and_numbers_from_one(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    assert await clinic.remaining(doctor) == 10
    assert (await clinic.booked(doctor, patient))["slot"] == 1
    assert await clinic.remaining(doctor) == 9


async def test_a_full_day_refuses_until_a_place_is_given_back(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=2), await clinic.patient()
    first, second = [await clinic.booked(doctor, patient) for _ in range(2)]
    assert (first["slot"], second["slot"]) == (1, 2)
    assert problem_of(await clinic.book(doctor, patient)) == (409, "full")
    assert (await clinic.cancel(first["id"])).status_code == 200
    assert (await clinic.booked(doctor, patient))["slot"] == 1
    assert await clinic.remaining(doctor) == 0


@pytest.mark.parametrize(("days", "code"), [(-1, "past_date"), (401, "too_far")])
async def test_a_date_that_cannot_be_booked_is_refused(clinic: Clinic, days: int, code: str) -> None:
    doctor, date = await clinic.doctor(), in_days(days)
    assert problem_of(await clinic.book(doctor, await clinic.patient(), date)) == (422, code)
    assert problem_of(await clinic.post(f"/doctors/{doctor}/availability", {"date": date, "capacity": 5})) == (422, code)


async def test_an_absent_doctor_is_refused_and_keeps_what_is_booked(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    kept = await clinic.booked(doctor, patient)
    closed = await clinic.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "available": False})
    assert (closed.status_code, closed.json()["available"]) == (200, False)
    assert problem_of(await clinic.book(doctor, patient)) == (422, "doctor_absent")
    listed = await clinic.get(f"/appointments/doctors/{doctor}/appointments", date=in_days(1))
    assert [item["id"] for item in listed.json()["items"]] == [kept["id"]]


async def test_capacity_is_never_below_what_is_taken(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=3), await clinic.patient()
    for _ in range(2):
        await clinic.booked(doctor, patient)
    path = f"/doctors/{doctor}/availability"
    assert problem_of(await clinic.post(path, {"date": in_days(1), "capacity": 1})) == (409, "below_taken")
    lowered = await clinic.post(path, {"date": in_days(1), "capacity": 2})
    assert (lowered.status_code, lowered.json()["remaining"]) == (200, 0)
    assert problem_of(await clinic.book(doctor, patient)) == (409, "full")
    raised = await clinic.post(path, {"date": in_days(1), "capacity": 4})
    assert raised.json()["remaining"] == 2
    assert (await clinic.booked(doctor, patient))["slot"] == 3


async def test_what_was_booked_can_be_read(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    answer = await clinic.book(doctor, patient)
    booked = answer.json()
    location = answer.headers["location"].removeprefix("/api/v1")
    assert (await clinic.get(location)).json() == booked
    for query in ({"patient_id": patient}, {"doctor_id": doctor}, {"doctor_id": doctor, "date": in_days(1), "status": "booked"}):
        assert (await clinic.get("/appointments", **query)).json()["items"] == [booked]
    assert (await clinic.get("/appointments", doctor_id=doctor, status="cancelled")).json()["items"] == []


async def test_lists_are_read_page_by_page(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=5), await clinic.patient()
    for _ in range(5):
        await clinic.booked(doctor, patient)
    slots: list[int] = []
    query = {"doctor_id": doctor, "limit": 2}
    while True:
        page = (await clinic.get("/appointments", **query)).json()
        slots += [item["slot"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert slots == [1, 2, 3, 4, 5]
