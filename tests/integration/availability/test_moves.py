"""Appointments that get a new place, on a real Postgres: it is taken beside the old one, which booking gives back later."""

import asyncio
import datetime as dt
from uuid import UUID, uuid4

import httpx2
import pytest

from services.availability.repository.displacement import displaced
from services.availability.repository.slots import reserve
from services.availability.service.slots.acknowledgements import question_job
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import Purpose
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.kafka.records import decode
from tests.integration.availability.availability import Availability, book, move, refuses, releases
from tests.integration.availability.test_directory import DOCTORS
from tests.support.dates import in_days

HELD = "SELECT id, reservation_id FROM slots WHERE state = 'taken' AND appointment_id = $1"


async def booked(service: Availability, doctor: UUID | None = None) -> SlotReserved:
    """A place of tomorrow that an appointment has."""
    (held,) = (await service.deliver(book(service.clinic, doctor or await service.doctor()))).of(SlotReserved)
    return held


async def places(service: Availability, appointment: UUID) -> set[tuple[UUID, UUID]]:
    """The slots and reservations of an appointment."""
    return {(slot, reservation) for slot, reservation in await service.rows(HELD, appointment)}


def place(reserved: SlotReserved) -> tuple[UUID, UUID]:
    return reserved.slot_id, reserved.reservation_id


async def test_a_move_takes_its_new_place_beside_the_old_one_until_that_is_given_back(service: Availability) -> None:
    old, other = await booked(service), await service.doctor()
    command = move(old, other, in_days(2))
    said = await service.deliver(command)
    (new,) = said.of(SlotReserved)
    assert said.types == ["SlotReserved"]
    assert (new.appointment_id, new.patient_id, new.purpose) == (old.appointment_id, old.patient_id, Purpose.MOVE)
    assert (new.key, new.command_id, new.slot_number) == (command.key, command.command_id, 1)
    assert new.reservation_id != old.reservation_id
    assert await places(service, old.appointment_id) == {place(old), place(new)}
    await service.deliver(releases(old))
    assert await places(service, old.appointment_id) == {place(new)}


async def test_a_move_that_booking_refuses_leaves_the_old_place(service: Availability) -> None:
    old = await booked(service)
    (new,) = (await service.deliver(move(old, old.doctor_id, in_days(2)))).of(SlotReserved)
    said = await service.deliver(refuses(new))
    assert said.types == ["SlotFreed"] and [reply.answer.code for reply in said.unit.replies] == [Code.PATIENT_BUSY]
    assert await places(service, old.appointment_id) == {place(old)}


@pytest.mark.parametrize("first", ["daily", "timed"])
async def test_a_move_goes_between_days_of_both_kinds(service: Availability, first: str) -> None:
    daily, timed = await service.doctor(), await service.doctor()
    await service.timed_day(timed)
    source, target = (daily, timed) if first == "daily" else (timed, daily)
    old = await booked(service, source)
    (new,) = (await service.deliver(move(old, target))).of(SlotReserved)
    assert (new.starts_at is None, old.starts_at is None) == (first == "timed", first == "daily")
    assert await places(service, old.appointment_id) == {place(old), place(new)}


async def test_an_appointment_keeps_its_day_unless_it_names_another_slot_of_it(service: Availability) -> None:
    old = await booked(service)
    third = (await service.slots(old.doctor_id))[3]
    by_date, by_name = move(old, old.doctor_id), move(old, old.doctor_id, slot_id=old.slot_id)
    said = await service.deliver(by_date, by_name, move(old, old.doctor_id, slot_id=third))
    assert said.types == ["SlotKept", "SlotKept", "SlotReserved"] and said.numbers == [3]
    for kept, command in zip(said.of(SlotKept), (by_date, by_name), strict=True):
        assert (kept.command_id, kept.appointment_id, kept.patient_id, kept.key) == (
            command.command_id, old.appointment_id, old.patient_id, command.key,
        )  # fmt: skip
        assert (kept.slot_id, kept.reservation_id) == place(old)


async def test_on_its_way_within_a_day_it_keeps_the_place_that_it_is_to_have(service: Availability) -> None:
    old = await booked(service)
    third = (await service.slots(old.doctor_id))[3]
    (new,) = (await service.deliver(move(old, old.doctor_id, slot_id=third))).of(SlotReserved)
    (kept,) = (await service.deliver(move(old, old.doctor_id))).of(SlotKept)
    assert (kept.slot_id, kept.reservation_id) == place(new)


async def test_its_own_place_is_kept_also_when_it_is_offered_to_nobody(service: Availability) -> None:
    doctor = await service.doctor()
    ids = await service.timed_day(doctor)
    old = await booked(service, doctor)
    await service.execute("UPDATE slots SET published = false WHERE id = $1", old.slot_id)
    said = await service.deliver(move(old, doctor, slot_id=ids[1]), book(service.clinic, doctor, slot_id=ids[1]))
    assert said.types == ["SlotKept", "BookingRefused"] and said.refusals == [Code.NO_SUCH_SLOT]


async def test_two_moves_of_one_appointment_in_a_batch_both_get_a_place(service: Availability) -> None:
    """Booking does one behind the other, and gives back what each of them left."""
    old, other = await booked(service), await service.doctor()
    said = await service.deliver(move(old, other), move(old, old.doctor_id, in_days(2)), move(old, other))
    first, second = said.of(SlotReserved)
    assert said.types == ["SlotReserved", "SlotReserved", "SlotKept"]
    (kept,) = said.of(SlotKept)
    assert (kept.slot_id, kept.reservation_id) == place(first)
    assert await places(service, old.appointment_id) == {place(old), place(first), place(second)}


async def test_moves_and_bookings_of_a_day_are_served_in_order_of_arrival(service: Availability) -> None:
    await service.settings(default_daily_capacity=3)
    olds, doctor = [await booked(service) for _ in range(3)], await service.doctor()
    said = await service.deliver(
        book(service.clinic, doctor),
        move(olds[0], doctor),
        book(service.clinic, doctor),
        move(olds[1], doctor),
        move(olds[2], doctor),
    )
    assert said.numbers == [1, 2, 3]
    assert [one.purpose for one in said.of(SlotReserved)] == [Purpose.BOOK, Purpose.MOVE, Purpose.BOOK]
    refused = [(one.code, one.purpose, one.appointment_id, one.patient_id) for one in said.of(BookingRefused)]
    assert refused == [(Code.FULL, Purpose.MOVE, old.appointment_id, old.patient_id) for old in olds[1:]]


async def test_a_move_is_refused_as_a_booking_is(service: Availability) -> None:
    old, absent = await booked(service), await booked(service)
    await service.execute("UPDATE days SET available = false WHERE doctor_id = $1", absent.doctor_id)
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    said = await service.deliver(
        move(old, old.doctor_id, in_days(2), decide_by=past),
        move(old, uuid4()),
        move(old, old.doctor_id, in_days(-2)),
        move(old, old.doctor_id, in_days(501)),
        move(old, absent.doctor_id),
        move(old, absent.doctor_id, slot_id=absent.slot_id),
        move(old, old.doctor_id, slot_id=uuid4()),
    )
    assert said.refusals == [
        Code.TOO_LATE, Code.UNKNOWN_DOCTOR, Code.PAST_DATE, Code.TOO_FAR, Code.DOCTOR_ABSENT, Code.DOCTOR_ABSENT,
        Code.NO_SUCH_SLOT,
    ]  # fmt: skip
    assert await places(service, old.appointment_id) == {place(old)}


async def test_a_move_that_comes_again_takes_nothing_more_and_is_passed_on_on_its_own_day(service: Availability) -> None:
    old, other = await booked(service), await service.doctor()
    command = move(old, other, in_days(2))
    said = await service.deliver(command, command.model_copy())
    assert said.types == ["SlotReserved", "CommandRepeated"]
    (repeat,) = (await service.deliver(command)).of(CommandRepeated)
    assert (repeat.key, repeat.command_id, repeat.body_hash) == (command.key, command.command_id, command.body_hash)
    assert len(await places(service, old.appointment_id)) == 2


async def test_many_moves_to_one_slot_over_many_connections_have_one_winner(service: Availability) -> None:
    olds, doctor = [await booked(service) for _ in range(12)], await service.doctor()
    ids = await service.timed_day(doctor)
    said = await asyncio.gather(*(service.deliver(move(old, doctor, slot_id=ids[2])) for old in olds))
    assert [number for one in said for number in one.numbers] == [2]
    assert [code for one in said for code in one.refusals] == [Code.SLOT_TAKEN] * 11


async def test_appointments_that_change_places_do_not_stand_in_each_others_way(service: Availability) -> None:
    """Each wants what the other has: both are refused, whatever the order of days, and nobody waits for ever."""
    one, other = await booked(service), await booked(service)
    moves = [
        (move(one, other.doctor_id, slot_id=other.slot_id), move(other, one.doctor_id, slot_id=one.slot_id)) for _ in range(10)
    ]
    said = await asyncio.gather(*(service.deliver(*(pair if n % 2 else pair[::-1])) for n, pair in enumerate(moves)))
    assert [code for batch in said for code in batch.refusals] == [Code.SLOT_TAKEN] * 20


async def test_an_unanswered_move_is_asked_about_as_a_move(service: Availability) -> None:
    old = await booked(service)
    (new,) = (await service.deliver(move(old, old.doctor_id, in_days(2)))).of(SlotReserved)
    await service.execute("UPDATE unacknowledged SET due_at = now() WHERE clinic_id = $1", service.clinic)
    await question_job(service.units, 3600).work()
    said = [decode(AVAILABILITY_EVENTS, r.body) for r in service.publisher.records if r.topic == AVAILABILITY_EVENTS.name]
    asked = {one.reservation_id: one.purpose for one in said if isinstance(one, ReservationQuestioned)}
    assert {name: asked[name] for name in (old.reservation_id, new.reservation_id)} == {
        old.reservation_id: Purpose.BOOK, new.reservation_id: Purpose.MOVE,
    }  # fmt: skip


async def test_an_appointment_with_two_places_is_named_once_and_each_place_is_revoked(
    service: Availability, http: httpx2.AsyncClient
) -> None:
    doctor = await service.doctor()
    for date, minutes in ((in_days(1), 3000), (in_days(2), 4500)):
        await service.timed_day(doctor, (minutes,), date)
    old = await booked(service, doctor)
    (new,) = (await service.deliver(move(old, doctor, in_days(2)))).of(SlotReserved)
    await service.execute("UPDATE slots SET published = false WHERE doctor_id = $1", doctor)
    taken = await http.post("/internal/appointments/taken", json={"ids": [str(old.appointment_id)]})
    assert taken.json() == [str(old.appointment_id)]
    async with service.units.batch({service.clinic}) as unit:
        asked = (unit.connection, service.clinic, doctor, unit.now)
        assert await displaced.without_rule(*asked) == [old.appointment_id]
        ranges = [(in_days(1), in_days(2)), (in_days(2), in_days(2))]
        assert await displaced.on_dates(*asked, ranges) == [[old.appointment_id]] * 2
    refused = await http.delete(f"{DOCTORS}/{doctor}")
    assert refused.json()["appointments"] == [str(old.appointment_id)]
    deleted = await http.delete(f"{DOCTORS}/{doctor}", params={"cancel_appointments": True})
    assert deleted.json()["appointments_left"] == 2
    said = [decode(AVAILABILITY_EVENTS, r.body) for r in service.publisher.records if r.topic == AVAILABILITY_EVENTS.name]
    assert {(one.slot_id, one.reservation_id) for one in said if isinstance(one, SlotRevoked)} >= {place(old), place(new)}


@pytest.mark.parametrize("statement", [reserve.NAMED, reserve.OF_APPOINTMENTS], ids=["named", "of appointments"])
async def test_slots_are_looked_up_one_by_one_before_the_table_has_statistics(service: Availability, statement: str) -> None:
    """Joined, all of the clinic would be read for a batch, or for each message of it."""
    day = ([service.clinic], [uuid4()], [in_days(1)])
    async with service.database.batch({service.clinic}) as (connection, _):
        plan = [row[0] for row in await connection.fetch(f"EXPLAIN {statement}", *day, [uuid4()])]
    outer, inner = (next(at for at, line in enumerate(plan) if f" on {table}" in line) for table in ("asked", "slots"))
    assert outer < inner, "\n".join(plan)
    assert "Nested Loop" in "\n".join(plan)
