"""Batches of bookings on a real Postgres: who gets which place, what is refused, and how the days come into being."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.clinics import MAX_DAILY_CAPACITY, ClinicSettings
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from tests.integration.availability.availability import ANSWER, Availability, book, envelope, settings_changed
from tests.support.dates import in_days

DAY = "SELECT mode, available, time_zone, version FROM days WHERE doctor_id = $1"


async def test_the_first_booking_makes_the_day_and_takes_its_lowest_number(service: Availability) -> None:
    doctor = await service.doctor()
    command = book(service.clinic, doctor)
    (reserved,) = (await service.deliver(command)).of(SlotReserved)
    assert (reserved.slot_number, reserved.time_zone, reserved.key) == (1, "UTC", command.key)
    assert (reserved.command_id, reserved.causation_id) == (command.command_id, command.message_id)
    assert await service.rows(DAY, doctor) == [("daily", True, "UTC", 1)]
    assert await service.numbers(doctor, "taken") == [1]
    assert await service.numbers(doctor, "free") == list(range(2, 11))
    held = "SELECT id, reservation_id, appointment_id FROM slots WHERE doctor_id = $1 AND state = 'taken'"
    assert await service.rows(held, doctor) == [(reserved.slot_id, reserved.reservation_id, reserved.appointment_id)]


async def test_slot_ids_are_time_ordered(service: Availability) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    ids: list[UUID] = [row[0] for row in await service.rows("SELECT id FROM slots WHERE doctor_id = $1", doctor)]
    now_ms = dt.datetime.now(dt.UTC).timestamp() * 1000
    assert {(one.version, one.variant) for one in ids} == {(7, "specified in RFC 4122")}
    assert all(abs((one.int >> 80) - now_ms) < 60_000 for one in ids)


async def test_a_batch_fills_a_day_in_order_of_arrival_and_refuses_the_rest(service: Availability) -> None:
    doctor = await service.doctor()
    commands = [book(service.clinic, doctor) for _ in range(13)]
    said = await service.deliver(*commands)
    assert said.numbers == list(range(1, 11))
    assert said.refusals == [Code.FULL] * 3
    assert [message.command_id for _, message in said.unit.emitted] == [command.command_id for command in commands]
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.FULL]


async def test_days_of_a_batch_are_served_apart(service: Availability) -> None:
    one, other = await service.doctor(), await service.doctor()
    later = in_days(2)
    said = await service.deliver(
        book(service.clinic, one), book(service.clinic, other), book(service.clinic, one), book(service.clinic, one, later)
    )
    assert said.numbers == [1, 1, 2, 1]
    assert len(service.locks.held) == 3


async def test_strangers_and_deleted_doctors_are_unknown_and_get_no_day(service: Availability) -> None:
    deleted, foreign = await service.doctor("deleted"), await service.doctor(clinic=uuid4())
    said = await service.deliver(*(book(service.clinic, doctor) for doctor in (uuid4(), deleted, foreign)))
    assert said.refusals == [Code.UNKNOWN_DOCTOR] * 3
    assert await service.rows("SELECT FROM days") == []


@pytest.mark.parametrize(
    ("days", "code"), [(-1, Code.PAST_DATE), (0, None), (400, None), (401, Code.TOO_FAR)], ids=["past", "today", "last", "far"]
)
async def test_a_date_is_bookable_from_today_to_the_horizon(service: Availability, days: int, code: Code | None) -> None:
    said = await service.deliver(book(service.clinic, await service.doctor(), in_days(days)))
    assert said.refusals == ([code] if code else [])
    assert said.numbers == ([] if code else [1])


async def test_too_late_wins_over_everything_and_locks_nothing(service: Availability) -> None:
    doctor = await service.doctor()
    past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
    said = await service.deliver(book(service.clinic, doctor, decide_by=past), book(service.clinic, uuid4(), decide_by=past))
    assert said.refusals == [Code.TOO_LATE] * 2
    assert await service.rows("SELECT FROM days WHERE doctor_id = $1", doctor) == []


async def test_an_absent_doctor_takes_nobody_though_places_are_free(service: Availability) -> None:
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    await service.execute("UPDATE days SET available = false WHERE doctor_id = $1", doctor)
    assert (await service.deliver(book(service.clinic, doctor))).refusals == [Code.DOCTOR_ABSENT]


async def test_a_clinic_without_a_default_has_only_the_days_it_opened(service: Availability) -> None:
    doctor, opened = await service.doctor(), await service.doctor()
    await service.deliver(book(service.clinic, opened))
    await service.settings(default_daily_capacity=0)
    said = await service.deliver(book(service.clinic, doctor), book(service.clinic, opened))
    assert (said.refusals, said.numbers) == ([Code.DOCTOR_ABSENT], [2])
    assert await service.rows("SELECT FROM days WHERE doctor_id = $1", doctor) == []


async def test_a_new_day_has_the_capacity_and_zone_of_the_newest_settings_of_the_batch(service: Availability) -> None:
    doctor = await service.doctor()
    newest = settings_changed(service.clinic, 3, default_daily_capacity=2, time_zone="Asia/Hong_Kong")
    older = settings_changed(service.clinic, 2, default_daily_capacity=5)
    said = await service.deliver(*(book(service.clinic, doctor) for _ in range(3)), newest, older)
    assert (said.numbers, said.refusals) == ([1, 2], [Code.FULL])
    assert said.of(SlotReserved)[0].time_zone == "Asia/Hong_Kong"
    await service.deliver(settings_changed(service.clinic, 1))
    kept = await service.rows("SELECT version, settings FROM clinic_settings")
    assert [(version, ClinicSettings.model_validate_json(text)) for version, text in kept] == [(3, newest.settings)]


async def test_today_is_judged_in_the_zone_of_the_day(service: Availability) -> None:
    """Kiritimati is 14 hours ahead of UTC and Niue 11 behind: at any hour their dates differ."""
    await service.settings(time_zone="Pacific/Kiritimati")
    doctor = await service.doctor()
    now = dt.datetime.now(dt.UTC)
    ahead = (now + dt.timedelta(hours=14)).date()
    behind = (now - dt.timedelta(hours=11)).date()
    said = await service.deliver(book(service.clinic, doctor, ahead), book(service.clinic, doctor, behind))
    assert (said.numbers, said.refusals) == ([1], [Code.PAST_DATE])
    await service.execute("UPDATE days SET time_zone = 'Pacific/Niue' WHERE doctor_id = $1", doctor)
    assert (await service.deliver(book(service.clinic, doctor, ahead))).numbers == [2], "the day's own zone, not the clinic's"


async def test_a_message_that_comes_again_takes_nothing_more_and_is_passed_on(service: Availability) -> None:
    doctor = await service.doctor()
    command = book(service.clinic, doctor)
    said = await service.deliver(command, command.model_copy())
    assert said.types == ["SlotReserved", "CommandRepeated"]
    (repeat,) = (await service.deliver(command)).of(CommandRepeated)
    assert (repeat.key, repeat.command_id, repeat.body_hash, repeat.reply_partition) == (
        command.key, command.command_id, command.body_hash, 3,
    )  # fmt: skip
    assert repeat.answer is None
    assert await service.numbers(doctor, "taken") == [1]


async def test_the_answer_of_a_repeat_is_given_again_unless_it_is_a_check_in(service: Availability) -> None:
    day: dict[str, Any] = {"doctor_id": uuid4(), "date": in_days(1)}
    ours = CommandRepeated(**envelope(service.clinic), **day, answer=ANSWER)
    check_in = CommandRepeated(**envelope(service.clinic), **day, answer=ANSWER, appointment_id=uuid4())
    undecided = CommandRepeated(**envelope(service.clinic), **day)
    said = await service.deliver(ours, check_in, undecided)
    assert [(reply.command_id, reply.answer, reply.replayed) for reply in said.unit.replies] == [
        (ours.command_id, ANSWER, True)
    ]  # fmt: skip
    assert said.types == []


async def test_clinics_of_one_batch_get_only_their_own(service: Availability) -> None:
    theirs = uuid4()
    doctor = await service.doctor(clinic=theirs)
    said = await service.deliver(book(theirs, doctor), book(service.clinic, doctor))
    assert [(r.clinic_id, r.slot_number) for r in said.of(SlotReserved)] == [(theirs, 1)]
    assert [(r.clinic_id, r.code) for r in said.of(BookingRefused)] == [(service.clinic, Code.UNKNOWN_DOCTOR)]


async def test_the_largest_day_that_a_clinic_can_set_is_made_by_its_first_booking(service: Availability) -> None:
    await service.settings(default_daily_capacity=MAX_DAILY_CAPACITY, max_daily_capacity=MAX_DAILY_CAPACITY)
    doctor = await service.doctor()
    assert (await service.deliver(book(service.clinic, doctor))).numbers == [1]
    assert len(await service.numbers(doctor, "free")) == MAX_DAILY_CAPACITY - 1
