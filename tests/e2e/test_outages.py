"""What clients meet while a store is away, and that everything goes on when it is back, without anybody's help."""

import asyncio
from uuid import uuid4

import pytest

from deploy.embedded.services import Services
from tests.support.clinic import Clinic, problem_of
from tests.support.stores import Stores, restart
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow
RECOVERY_SECONDS = 60


async def test_one_key_again_after_a_restart_of_everything(clinic: Clinic, stack: Services, stores: Stores) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    refused_key, other_day = uuid4().hex, await clinic.doctor(capacity=1)
    await clinic.booked(other_day, patient)
    first = await clinic.book(doctor, patient, key=key)
    assert problem_of(await clinic.book(other_day, patient, key=refused_key)) == (409, "full")
    await asyncio.to_thread(restart, stack, stores)
    answers = await asyncio.gather(*(clinic.book(doctor, patient, key=key) for _ in range(50)))
    assert {(answer.status_code, answer.text) for answer in answers} == {(201, first.text)}
    assert {answer.headers["idempotent-replayed"] for answer in answers} == {"true"}
    looked = (await clinic.get(f"/commands/{first.headers['command-id']}")).json()
    assert (looked["status_code"], looked["result"]) == (201, first.json())
    assert problem_of(await clinic.book(other_day, patient, key=refused_key)) == (409, "full")
    assert problem_of(await clinic.book(other_day, patient, key=key)) == (422, "key_reused")
    assert await clinic.remaining(doctor) == 9


async def test_without_redis_everything_is_right(clinic: Clinic, stores: Stores) -> None:
    doctor, patients = await clinic.doctor(capacity=10), await clinic.patients(15)
    await asyncio.to_thread(stores.redis.kill)
    try:
        answers = await asyncio.gather(*(clinic.book(doctor, patient) for patient in patients))
    finally:
        await asyncio.to_thread(stores.redis.start)
    assert sorted(answer.json()["slot"] for answer in answers if answer.status_code == 201) == list(range(1, 11))
    assert [problem_of(answer) for answer in answers if answer.status_code != 201] == [(409, "full")] * 5


async def test_kafka_unreachable_is_503_and_the_same_key_is_safe_to_repeat(clinic: Clinic, stores: Stores) -> None:
    doctor, patient, key = await clinic.doctor(capacity=10), await clinic.patient(), uuid4().hex
    await asyncio.to_thread(stores.kafka.kill)
    try:
        refused = await clinic.book(doctor, patient, key=key, Prefer="wait=5")
        status, code = problem_of(refused)
        assert (status, code) in {(503, "not_accepted"), (503, "unknown")}, refused.text
        if code == "unknown":
            assert refused.headers["idempotency-key"] == key
            assert refused.headers["location"].startswith("/api/v1/commands/")
        else:
            assert int(refused.headers["retry-after"]) > 0
        assert (await clinic.get(f"/doctors/{doctor}")).status_code == 200, "reads need no Kafka"
    finally:
        await asyncio.to_thread(stores.kafka.start)

    async def repeated() -> bool:
        answer = await clinic.book(doctor, patient, key=key)
        assert answer.status_code == 201, answer.text
        return True

    await eventually(repeated, within_seconds=RECOVERY_SECONDS)
    assert await clinic.live_slots(doctor) == [1]
    assert await clinic.remaining(doctor) == 9


async def test_a_burst_around_a_crash_of_kafka_loses_and_doubles_nothing(clinic: Clinic, stores: Stores) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    keys = [uuid4().hex for _ in range(10)]
    asked = [asyncio.ensure_future(clinic.book(doctor, patient, key=key)) for key in keys]
    await asyncio.to_thread(stores.kafka.kill)
    await asyncio.to_thread(stores.kafka.start)
    await asyncio.wait(asked)

    async def all_booked() -> bool:
        answers = await asyncio.gather(*(clinic.book(doctor, patient, key=key) for key in keys))
        assert {answer.status_code for answer in answers} == {201}, [answer.text for answer in answers]
        return len({answer.json()["id"] for answer in answers}) == len(keys)

    await eventually(all_booked, within_seconds=RECOVERY_SECONDS)
    assert await clinic.live_slots(doctor) == list(range(1, 11))
    assert await clinic.remaining(doctor) == 0
