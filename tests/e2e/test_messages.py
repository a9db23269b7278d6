"""Bad and late messages between the services: the messages around them are processed, and nobody loses a place."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from aiokafka import AIOKafkaProducer

from deploy.embedded.backend import Backend
from deploy.embedded.services import Services
from shared.contracts.topics import (
    APPOINTMENT_EVENTS,
    AVAILABILITY_EVENTS,
    BOOKING_COMMANDS,
    MAX_RECORD_BYTES,
    QUEUE_EVENTS,
    Topic,
)
from shared.infra.ids import new_id
from tests.e2e.metrics import counter
from tests.support.clinic import Clinic, in_days
from tests.support.kafka import Raw, messages_of, records_of
from tests.support.waiting import eventually

AVAILABILITIES = ("availability", "availability-2")


@pytest.fixture
async def producer(servers: Backend) -> AsyncIterator[AIOKafkaProducer]:
    """Somebody who writes what no service would."""
    client = AIOKafkaProducer(bootstrap_servers=servers.kafka_bootstrap, max_request_size=2 * MAX_RECORD_BYTES)
    await client.start()
    yield client
    await client.stop()


async def test_bad_commands_between_good_ones_go_to_their_dead_letters(
    clinic: Clinic, servers: Backend, producer: AIOKafkaProducer
) -> None:
    doctor, patient = await clinic.doctor(capacity=10), await clinic.patient()
    await clinic.booked(doctor, patient)
    [good] = await messages_of(servers.kafka_bootstrap, BOOKING_COMMANDS, doctor_id=doctor)
    mark = str(new_id())
    bad = [
        f"not json {mark}".encode(),
        changed(good, type="BurnAppointment", correlation_id=mark),
        changed(good, v=2, correlation_id=mark),
        changed(good, patient_id=17, correlation_id=mark),
        changed(good, padding="x" * 2 * 1024 * 1024, correlation_id=mark),
    ]
    for value in bad:
        await producer.send(BOOKING_COMMANDS.name, value, key=good.key)
    await producer.flush()
    answers = await asyncio.gather(*(clinic.book(doctor, patient) for _ in range(9)))
    assert sorted(answer.json()["slot"] for answer in answers) == list(range(2, 11))

    async def letters() -> list[Raw]:
        name = BOOKING_COMMANDS.dead_letters("availability")
        found = await records_of(servers.kafka_bootstrap, name, BOOKING_COMMANDS.partitions)
        ours = [letter for letter in found if mark.encode() in letter.value]
        assert len(ours) == 5
        return ours

    found = await eventually(letters)
    assert sorted(letter.value for letter in found) == sorted(bad)


async def test_a_release_redelivered_after_its_slot_was_taken_again_frees_nothing(
    clinic: Clinic, stack: Services, servers: Backend, producer: AIOKafkaProducer
) -> None:
    doctor, patient, other = await clinic.doctor(capacity=1), await clinic.patient(), await clinic.patient()
    first = await clinic.booked(doctor, patient)
    await clinic.cancel(first["id"])
    second = await clinic.booked(doctor, other)
    [release] = await messages_of(servers.kafka_bootstrap, APPOINTMENT_EVENTS, type="SlotReleased", appointment_id=first["id"])
    ignored = await counter(stack, "frontdesk_releases_ignored_total", AVAILABILITIES)
    again = changed(release, message_id=str(new_id()))
    await producer.send_and_wait(APPOINTMENT_EVENTS.name, again, key=release.key)

    async def was_ignored() -> bool:
        return await counter(stack, "frontdesk_releases_ignored_total", AVAILABILITIES) > ignored

    await eventually(was_ignored)
    assert await clinic.remaining(doctor) == 0
    assert (await clinic.book(doctor, patient)).status_code == 409
    assert await clinic.appointment(second["id"]) == second


@pytest.mark.parametrize("topic", [AVAILABILITY_EVENTS, APPOINTMENT_EVENTS, QUEUE_EVENTS], ids=lambda topic: topic.name)
async def test_everything_redelivered_changes_nothing(
    clinic: Clinic, servers: Backend, producer: AIOKafkaProducer, topic: Topic
) -> None:
    """Every event of two appointments a second time, as after a crash: the same rows, the same queue."""
    today = in_days(0)
    doctor, patient = await clinic.doctor(today, capacity=2), await clinic.patient()
    first, second = await clinic.booked(doctor, patient, today), await clinic.booked(doctor, patient, today)
    assert (await clinic.check_in(first["id"], patient)).status_code == 201
    await clinic.cancel(second["id"])
    before = await day_as_read(clinic, doctor, today)
    for record in await messages_of(servers.kafka_bootstrap, topic, doctor_id=doctor):
        await producer.send_and_wait(topic.name, record.value, key=record.key, headers=list(record.headers))
    third = await clinic.booked(doctor, patient, today)  # behind the repeats, on the same key
    await clinic.cancel(third["id"])
    after = await day_as_read(clinic, doctor, today)
    assert [item for item in after["appointments"] if item["id"] != third["id"]] == before["appointments"]
    assert (after["queue"], after["remaining"]) == (before["queue"], before["remaining"])


async def day_as_read(clinic: Clinic, doctor: str, date: str) -> dict[str, Any]:
    """What clients see of a doctor's day."""
    appointments = await clinic.get("/appointments", doctor_id=doctor)
    queue = await clinic.get(f"/checkins/doctors/{doctor}/queue", date=date)
    return {
        "appointments": sorted(appointments.json()["items"], key=lambda item: UUID(item["id"])),
        "queue": queue.json()["items"],
        "remaining": await clinic.remaining(doctor, date),
    }


def changed(record: Raw, **fields: Any) -> bytes:
    """A record's message with other fields."""
    return json.dumps(json.loads(record.value) | fields).encode()
