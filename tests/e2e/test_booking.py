"""Bookings that cannot collide, over two gateways and two availability processes."""

import asyncio
from uuid import uuid4

import httpx2

from deploy.embedded.services import Services
from tests.e2e.metrics import counter
from tests.support.clinic import Clinic, in_days, problem_of
from tests.support.waiting import eventually

TEN = list(range(1, 11))


def slots_of(answers: list[httpx2.Response]) -> list[int]:
    """Numbers of the successes, in order."""
    return sorted(answer.json()["slot"] for answer in answers if answer.status_code == 201)


async def test_thirty_at_once_on_a_day_of_ten(clinic: Clinic) -> None:
    doctor, patients = await clinic.doctor(capacity=10), await clinic.patients(30)
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in patients))
    assert slots_of(answers) == TEN
    refused = [problem_of(answer) for answer in answers if answer.status_code != 201]
    assert refused == [(409, "full")] * 20
    assert await clinic.remaining(doctor) == 0
    assert await clinic.live_slots(doctor) == TEN


async def test_unknown_patients_take_no_place_from_real_ones(clinic: Clinic) -> None:
    doctor, real = await clinic.doctor(capacity=10), await clinic.patients(10)
    strangers = [str(uuid4()) for _ in range(30)]
    asked = [patient for four in zip(*[iter(strangers)] * 3, real, strict=True) for patient in four]
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in asked))
    assert slots_of(answers) == TEN
    assert [problem_of(answer) for answer in answers if answer.status_code != 201] == [(404, "unknown_patient")] * 30


async def test_a_day_without_a_record_has_the_default_capacity_and_numbers_from_one(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(), await clinic.patient()
    assert await clinic.remaining(doctor) == 10
    assert (await clinic.booked(doctor, patient))["slot"] == 1
    assert await clinic.remaining(doctor) == 9


async def test_one_key_fifty_times_at_once(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    answers = await asyncio.gather(*(clinic.book(doctor, patient, key=key) for _ in range(50)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.text for answer in answers}) == 1
    assert await clinic.remaining(doctor) == 9
    assert len(await clinic.live_slots(doctor)) == 1


async def test_a_repeat_is_marked_and_answers_the_same(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    first = await clinic.book(doctor, patient, key=key)
    again = await clinic.book(doctor, patient, key=key)
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_refusal_is_repeated_too(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=1), await clinic.patient(), uuid4().hex
    held = await clinic.booked(doctor, patient)
    assert problem_of(await clinic.book(doctor, patient, key=key)) == (409, "full")
    assert (await clinic.cancel(held["id"])).status_code == 200
    again = await clinic.book(doctor, patient, key=key)
    assert problem_of(again) == (409, "full")
    assert again.headers["idempotent-replayed"] == "true"
    assert await clinic.remaining(doctor) == 1


async def test_a_key_with_another_body_is_refused_and_does_nothing(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    assert (await clinic.book(doctor, patient, key=key)).status_code == 201
    for date in (in_days(1), in_days(2)):
        other = await clinic.book(doctor, await clinic.patient(), date, key=key)
        assert problem_of(other) == (422, "key_reused")
    assert (await clinic.remaining(doctor), await clinic.remaining(doctor, in_days(2))) == (9, 10)


async def test_a_key_in_the_body_is_the_same_key(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1)}
    first = await clinic.post("/appointments", body | {"idempotency_key": key})
    again = await clinic.post("/appointments", body, key)
    assert first.json() == again.json()
    assert await clinic.remaining(doctor) == 9


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


async def test_a_change_is_counted_by_the_metrics_of_who_made_it(clinic: Clinic, stack: Services) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    before = await counter(stack, "frontdesk_messages_total", ["booking"])
    await clinic.booked(doctor, patient)

    async def counted() -> bool:
        return await counter(stack, "frontdesk_messages_total", ["booking"]) > before

    await eventually(counted)
