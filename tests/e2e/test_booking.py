"""Bookings that cannot collide, over two gateways and two availability processes."""

import asyncio
from uuid import uuid4

import httpx2

from tests.e2e.desk import Desk, in_days, problem_of
from tests.support.waiting import eventually

TEN = list(range(1, 11))


def slots_of(answers: list[httpx2.Response]) -> list[int]:
    """Numbers of the successes, in order."""
    return sorted(answer.json()["slot"] for answer in answers if answer.status_code == 201)


async def test_thirty_at_once_on_a_day_of_ten(desk: Desk) -> None:
    doctor, patients = await desk.doctor(capacity=10), await desk.patients(30)
    answers = await asyncio.gather(*(desk.book(doctor, patient) for patient in patients))
    assert slots_of(answers) == TEN
    refused = [problem_of(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "full")] * 20
    assert await desk.remaining(doctor) == 0
    assert await desk.live_slots(doctor) == TEN


async def test_unknown_patients_take_no_place_from_real_ones(desk: Desk) -> None:
    doctor, real = await desk.doctor(capacity=10), await desk.patients(10)
    strangers = [str(uuid4()) for _ in range(30)]
    asked = [patient for four in zip(*[iter(strangers)] * 3, real, strict=True) for patient in four]
    answers = await asyncio.gather(*(desk.book(doctor, patient) for patient in asked))
    assert slots_of(answers) == TEN
    assert [problem_of(answer) for answer in answers if answer.status_code != 201] == [(404, "unknown_patient")] * 30


async def test_a_day_without_a_record_has_the_default_capacity_and_numbers_from_one(desk: Desk) -> None:
    doctor, patient = await desk.doctor(), await desk.patient()
    assert await desk.remaining(doctor) == 10
    assert (await desk.booked(doctor, patient))["slot"] == 1
    assert await desk.remaining(doctor) == 9


async def test_one_key_fifty_times_at_once(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=10), await desk.patient(), uuid4().hex
    answers = await asyncio.gather(*(desk.book(doctor, patient, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await desk.remaining(doctor) == 9
    assert len(await desk.live_slots(doctor)) == 1


async def test_a_repeat_is_marked_and_answers_the_same(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=10), await desk.patient(), uuid4().hex
    first = await desk.book(doctor, patient, key=key)
    again = await desk.book(doctor, patient, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_refusal_is_repeated_too(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=1), await desk.patient(), uuid4().hex
    held = await desk.booked(doctor, patient)
    assert problem_of(await desk.book(doctor, patient, key=key)) == (409, "full")
    assert (await desk.cancel(held["id"])).status_code == 200
    again = await desk.book(doctor, patient, key=key)
    assert problem_of(again) == (409, "full")
    assert again.headers["idempotent-replayed"] == "true"
    assert await desk.remaining(doctor) == 1


async def test_a_key_with_another_body_is_refused_and_does_nothing(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=10), await desk.patient(), uuid4().hex
    assert (await desk.book(doctor, patient, key=key)).status_code == 201
    for date in (in_days(1), in_days(2)):
        other = await desk.book(doctor, await desk.patient(), date, key=key)
        assert problem_of(other) == (422, "key_reused")
    assert (await desk.remaining(doctor), await desk.remaining(doctor, in_days(2))) == (9, 10)


async def test_a_key_in_the_body_is_the_same_key(desk: Desk) -> None:
    doctor, patient, key = await desk.doctor(capacity=10), await desk.patient(), uuid4().hex
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1)}
    first = await desk.post("/appointments", body | {"idempotency_key": key})
    again = await desk.post("/appointments", body, key)
    assert first.json() == again.json()
    assert await desk.remaining(doctor) == 9


async def test_an_absent_doctor_is_refused_and_keeps_what_is_booked(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=10), await desk.patient()
    kept = await desk.booked(doctor, patient)
    closed = await desk.post(f"/doctors/{doctor}/availability", {"date": in_days(1), "available": False})
    assert (closed.status_code, closed.json()["available"]) == (200, False)
    assert problem_of(await desk.book(doctor, patient)) == (422, "doctor_absent")
    listed = await desk.get(f"/appointments/doctors/{doctor}/appointments", date=in_days(1))
    assert [item["id"] for item in listed.json()["items"]] == [kept["id"]]


async def test_capacity_is_never_below_what_is_taken(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=3), await desk.patient()
    for _ in range(2):
        await desk.booked(doctor, patient)
    path = f"/doctors/{doctor}/availability"
    assert problem_of(await desk.post(path, {"date": in_days(1), "capacity": 1})) == (409, "below_taken")
    lowered = await desk.post(path, {"date": in_days(1), "capacity": 2})
    assert (lowered.status_code, lowered.json()["remaining"]) == (200, 0)
    assert problem_of(await desk.book(doctor, patient)) == (409, "full")
    raised = await desk.post(path, {"date": in_days(1), "capacity": 4})
    assert raised.json()["remaining"] == 2
    assert (await desk.booked(doctor, patient))["slot"] == 3


async def test_what_was_booked_can_be_read(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=10), await desk.patient()
    answer = await desk.book(doctor, patient)
    booked = answer.json()
    location = answer.headers["location"].removeprefix("/api/v1")
    assert (await desk.get(location)).json() == booked
    for query in ({"patient_id": patient}, {"doctor_id": doctor}, {"doctor_id": doctor, "date": in_days(1), "status": "booked"}):
        assert (await desk.get("/appointments", **query)).json()["items"] == [booked]
    assert (await desk.get("/appointments", doctor_id=doctor, status="cancelled")).json()["items"] == []


async def test_lists_are_read_page_by_page(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=5), await desk.patient()
    for _ in range(5):
        await desk.booked(doctor, patient)
    slots: list[int] = []
    query = {"doctor_id": doctor, "limit": 2}
    while True:
        page = (await desk.get("/appointments", **query)).json()
        slots += [item["slot"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        query["cursor"] = page["next_cursor"]
    assert slots == [1, 2, 3, 4, 5]


async def test_a_change_is_counted_by_the_metrics_of_who_made_it(desk: Desk) -> None:
    doctor, patient = await desk.doctor(capacity=10), await desk.patient()
    before = await desk.metric("frontdesk_messages_total", ["booking"])
    await desk.booked(doctor, patient)

    async def counted() -> bool:
        return await desk.metric("frontdesk_messages_total", ["booking"]) > before

    await eventually(counted)
