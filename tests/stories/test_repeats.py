"""One command, one effect, one answer: a key that comes again, with the same body or with another."""

from uuid import uuid4

from tests.support.clinic import Clinic, in_days, problem_of, repeated, today


async def test_a_repeat_is_answered_as_it_was_and_has_one_effect(clinic: Clinic) -> None:
    doctor, patient, keys = await clinic.doctor(), await clinic.patient(), [uuid4().hex for _ in range(2)]
    first = await clinic.book(doctor, patient, today(), keys[0])
    booked = repeated(await clinic.book(doctor, patient, today(), keys[0]), first)
    arrivals = [await clinic.check_in(booked["id"], patient, keys[1]) for _ in range(2)]
    assert repeated(arrivals[1], arrivals[0])["position"] == 1
    repeated(await clinic.book(doctor, patient, today(), keys[0]), first)
    assert await clinic.remaining(doctor, today()) == 9
    assert len(await clinic.appointments(doctor_id=doctor)) == len(await clinic.queue(doctor)) == 1


async def test_a_refusal_is_repeated_though_its_reason_is_gone(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=1), await clinic.patient(), uuid4().hex
    held = await clinic.booked(doctor, patient)
    assert problem_of(await clinic.book(doctor, patient, key=key)) == (409, "full")
    assert (await clinic.cancel(held["id"])).status_code == 200
    again = await clinic.book(doctor, patient, key=key)
    assert problem_of(again) == (409, "full")
    assert again.headers["idempotent-replayed"] == "true"
    assert await clinic.remaining(doctor) == 1


async def test_a_refusal_for_which_no_place_was_looked_for_is_repeated(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(), await clinic.patient(), uuid4().hex
    first, again = [await clinic.book(doctor, patient, in_days(-1), key) for _ in range(2)]
    assert problem_of(first) == problem_of(again) == (422, "past_date")
    assert "idempotent-replayed" not in first.headers and again.headers["idempotent-replayed"] == "true"


async def test_a_key_with_another_body_is_refused_and_does_nothing(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    first = await clinic.book(doctor, patient, key=key)
    assert first.status_code == 201
    for date in (in_days(1), in_days(2)):
        other = await clinic.book(doctor, await clinic.patient(), date, key=key)
        assert problem_of(other) == (422, "key_reused")
    assert (await clinic.remaining(doctor), await clinic.remaining(doctor, in_days(2))) == (9, 10)
    assert (await clinic.get(f"/commands/{first.headers['command-id']}")).json()["result"] == first.json()


async def test_a_key_in_the_body_is_the_same_key(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    body = {"doctor_id": doctor, "patient_id": patient, "date": in_days(1)}
    first = await clinic.post("/appointments", body | {"idempotency_key": key})
    again = await clinic.post("/appointments", body, key)
    assert first.json() == again.json()
    assert await clinic.remaining(doctor) == 9


async def test_one_key_is_one_cancellation(clinic: Clinic) -> None:
    doctor, patient, key = await clinic.doctor(capacity=3), await clinic.patient(), uuid4().hex
    booked, other = await clinic.booked(doctor, patient), await clinic.booked(doctor, patient)
    first = await clinic.cancel(booked["id"], key)
    repeated(await clinic.cancel(booked["id"], key), first)
    assert problem_of(await clinic.cancel(other["id"], key)) == (422, "key_reused")
    assert (await clinic.appointment(other["id"]))["status"] == "booked"


async def test_cancelling_twice_answers_the_same_and_frees_once(clinic: Clinic) -> None:
    doctor, patient = await clinic.doctor(capacity=1), await clinic.patient()
    first = await clinic.booked(doctor, patient)
    cancelled = await clinic.cancel(first["id"])
    second = await clinic.booked(doctor, patient)
    again = await clinic.cancel(first["id"])
    assert (again.status_code, again.json()) == (200, cancelled.json())
    assert "idempotent-replayed" not in again.headers, "another command, the same end"
    assert await clinic.remaining(doctor) == 0
    assert (await clinic.appointment(second["id"]))["status"] == "booked"
