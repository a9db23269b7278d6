"""A reservation is asked about until booking acknowledges it or gives it back; availability takes nothing back by itself."""

import asyncio
from collections.abc import Callable
from typing import Any
from uuid import UUID

import pytest

from services.availability.repository.slots import acknowledgements
from services.availability.service.slots.acknowledgements import question_job
from shared.contracts.appointments import Status
from shared.contracts.availability import ReservationQuestioned, SlotReserved
from shared.contracts.booking import AppointmentBooked, ReservationKept
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.ids import new_id
from shared.infra.kafka.records import decode
from tests.integration.availability.availability import Availability, book, releases
from tests.support.messages import caused

TIMERS = "SELECT reservation_id FROM unacknowledged WHERE clinic_id = $1"
MAKE_DUE = "UPDATE unacknowledged SET due_at = now() WHERE clinic_id = $1"
SOON, NEVER = 0.0, 3600.0


@pytest.fixture(autouse=True)
async def nobody_elses_timers(service: Availability) -> None:
    """The job asks for all clinics: what other tests left is overdue by now, and without patience that would never end."""
    await service.execute("DELETE FROM unacknowledged")


async def timers(service: Availability) -> list[UUID]:
    return [reservation for (reservation,) in await service.rows(TIMERS, service.clinic)]


async def reserve(service: Availability, count: int = 1) -> list[SlotReserved]:
    doctor = await service.doctor()
    return (await service.deliver(*[book(service.clinic, doctor) for _ in range(count)])).of(SlotReserved)


def booked(reserved: SlotReserved) -> AppointmentBooked:
    told = {"doctor_id", "date", "appointment_id", "patient_id", "slot_id", "slot_number", "reservation_id"}
    place = reserved.model_dump(include=told)
    return caused(AppointmentBooked, reserved, **place, version=1, status=Status.BOOKED)


def kept(reserved: SlotReserved) -> ReservationKept:
    place = reserved.model_dump(include={"doctor_id", "date", "appointment_id", "slot_id", "reservation_id"})
    return caused(ReservationKept, reserved, **place)


def asked(service: Availability) -> list[ReservationQuestioned]:
    """The questions of this test's clinic that were published."""
    records = [record for record in service.publisher.records if record.topic == AVAILABILITY_EVENTS.name]
    said = [decode(AVAILABILITY_EVENTS, record.body) for record in records]
    return [one for one in said if isinstance(one, ReservationQuestioned) and one.clinic_id == service.clinic]


async def test_a_reservation_is_timed_until_it_is_acknowledged(service: Availability) -> None:
    first, second = await reserve(service, 2)
    assert sorted(await timers(service)) == sorted([first.reservation_id, second.reservation_id])
    await service.deliver(booked(first))
    assert await timers(service) == [second.reservation_id]
    await service.deliver(kept(second), kept(second))
    assert await timers(service) == []
    assert await service.numbers(first.doctor_id, "taken") == [1, 2], "an acknowledgement frees nothing"


async def test_a_release_ends_the_time_too(service: Availability) -> None:
    (reserved,) = await reserve(service)
    await service.deliver(releases(reserved))
    assert await timers(service) == []


async def test_what_is_overdue_is_asked_about_again_and_again_and_stays_taken(service: Availability) -> None:
    (reserved,) = await reserve(service)
    await service.execute(MAKE_DUE, service.clinic)
    ask = question_job(service.units, SOON).work
    await ask()
    await ask()
    questions = asked(service)
    assert len(questions) >= 2 and len({question.message_id for question in questions}) == len(questions)
    question = questions[0]
    assert (question.reservation_id, question.command_id) == (reserved.reservation_id, reserved.command_id)
    assert (question.key, question.causation_id, question.actor) == (reserved.key, reserved.message_id, "system")
    assert await service.numbers(reserved.doctor_id, "taken") == [1]


async def test_what_is_not_due_is_not_asked_about(service: Availability) -> None:
    await reserve(service)
    await question_job(service.units, NEVER).work()
    assert asked(service) == []


async def test_two_processes_ask_about_one_reservation_once(service: Availability, superuser: Callable[..., Any]) -> None:
    await reserve(service, 3)
    await service.execute(MAKE_DUE, service.clinic)
    async with service.database.batch({service.clinic}) as (one, _):
        mine, _ = await acknowledgements.claim_overdue(one, NEVER, 100)
        async with asyncio.timeout(5), service.database.batch({service.clinic}) as (other, _):
            theirs, _ = await acknowledgements.claim_overdue(other, NEVER, 100)
    assert len([question for question in mine if question.clinic_id == service.clinic]) == 3
    assert not [question for question in theirs if question.clinic_id == service.clinic]


async def test_it_is_asked_less_and_less_often(service: Availability) -> None:
    await reserve(service)
    waits = []
    for _ in range(6):
        await service.execute(MAKE_DUE, service.clinic)
        async with service.database.batch({service.clinic}) as (connection, _now):
            await acknowledgements.claim_overdue(connection, 60, 1_000)
        (wait,) = (await service.rows("SELECT due_at - now() FROM unacknowledged WHERE clinic_id = $1", service.clinic))[0]
        waits.append(round(wait.total_seconds()))
    assert waits == [60, 120, 240, 480, 600, 600]


async def test_a_timer_that_cannot_be_read_holds_up_no_other(service: Availability) -> None:
    first, second = await reserve(service, 2)
    await service.execute("UPDATE unacknowledged SET reserved = '{}' WHERE reservation_id = $1", first.reservation_id)
    await service.execute(MAKE_DUE, service.clinic)
    await question_job(service.units, NEVER).work()
    assert [question.reservation_id for question in asked(service)] == [second.reservation_id]


async def test_another_clinic_ends_no_time(service: Availability) -> None:
    (reserved,) = await reserve(service)
    await service.deliver(booked(reserved).model_copy(update={"clinic_id": new_id()}))
    assert await timers(service) == [reserved.reservation_id]


async def test_a_day_that_a_booking_makes_is_noted_once(service: Availability) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor), book(service.clinic, doctor))
    trail = await service.rows("SELECT action, count(*) FROM audit WHERE clinic_id = $1 GROUP BY 1", service.clinic)
    assert sorted(trail) == [("day_set", 1), ("slot_taken", 2)]
