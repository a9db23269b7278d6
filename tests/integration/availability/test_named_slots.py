"""Slots asked for by their ids, on a real Postgres: exactly that one or a refusal, beside bookings of any place of the day."""

import asyncio
from uuid import UUID, uuid4

import pytest

from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.booking import Purpose
from shared.contracts.problems import Code
from shared.contracts.versions import Version
from tests.integration.availability.availability import Availability, book, releases
from tests.support.dates import in_days


async def daily(service: Availability) -> tuple[UUID, dict[int, UUID]]:
    """A doctor with a day of ten numbers of which the first is taken, and its slots."""
    doctor = await service.doctor()
    await service.deliver(book(service.clinic, doctor))
    return doctor, await service.slots(doctor)


async def test_exactly_the_named_slot_is_taken_with_its_times(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor)
    (reserved,) = (await service.deliver(book(service.clinic, doctor, slot_id=slots[2]))).of(SlotReserved)
    row = "SELECT id, number, starts_at, ends_at, reservation_id, appointment_id FROM slots WHERE state = 'taken'"
    assert await service.rows(row) == [
        (slots[2], 2, reserved.starts_at, reserved.ends_at, reserved.reservation_id, reserved.appointment_id)
    ]
    assert (reserved.slot_id, reserved.slot_number, reserved.purpose) == (slots[2], 2, Purpose.BOOK)


async def test_a_number_of_a_daily_day_is_a_slot_too(service: Availability) -> None:
    doctor, slots = await daily(service)
    assert (await service.deliver(book(service.clinic, doctor, slot_id=slots[7]))).numbers == [7]


async def test_what_it_is_asked_for_goes_with_it(service: Availability) -> None:
    doctor, slots = await daily(service)
    said = await service.deliver(
        book(service.clinic, doctor, slot_id=slots[5], confirm=False),
        book(service.clinic, doctor, slot_id=slots[5], confirm=False),
    )
    assert [one.purpose for one in said.of(SlotReserved)] == [Purpose.HOLD]
    assert [(one.purpose, one.code, one.appointment_id) for one in said.of(BookingRefused)] == [
        (Purpose.HOLD, Code.SLOT_TAKEN, None)
    ]


async def test_a_slot_that_is_not_of_the_day_is_none(service: Availability) -> None:
    doctor, slots = await daily(service)
    other, others = await daily(service)
    theirs = uuid4()
    foreign = await service.doctor(clinic=theirs)
    await service.deliver(book(theirs, foreign))
    ((of_them,),) = await service.rows("SELECT id FROM slots WHERE number = 9", clinic=theirs)
    asked = [
        (doctor, in_days(1), uuid4()), (doctor, in_days(1), others[5]), (other, in_days(1), slots[5]),
        (doctor, in_days(2), slots[5]), (doctor, in_days(1), of_them),
    ]  # fmt: skip
    said = await service.deliver(*(book(service.clinic, who, date, slot_id=slot) for who, date, slot in asked))
    assert said.refusals == [Code.NO_SUCH_SLOT] * 5
    assert await service.rows("SELECT FROM days WHERE date = $1", in_days(2)) == [], "who names a slot makes no day"


async def test_what_is_not_offered_any_more_is_no_such_slot_and_what_is_taken_is_taken(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor, (-20, 29, 60, 90, 120))
    await service.settings(lead_time_minutes=30)
    await service.deliver(book(service.clinic, doctor, slot_id=slots[4]))
    await service.execute("UPDATE slots SET published = false WHERE id = $1", slots[5])
    said = await service.deliver(*(book(service.clinic, doctor, slot_id=slots[number]) for number in (1, 2, 3, 4, 5)))
    assert said.numbers == [3]
    assert said.refusals == [Code.NO_SUCH_SLOT, Code.TOO_SOON, Code.SLOT_TAKEN, Code.NO_SUCH_SLOT]


async def test_what_the_version_before_has_no_code_for_has_its_old_one_beside_it(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor, (29,))
    await service.settings(lead_time_minutes=30)
    asked = [book(service.clinic, doctor, slot_id=slots[1]), book(service.clinic, doctor)]
    service.beside(Version.BEFORE)
    said = await service.deliver(*asked)
    assert said.refusals == [Code.NO_SUCH_SLOT, Code.FULL]
    assert [(one.status_code, one.bookable_after) for one in said.of(BookingRefused)] == [(422, None), (409, None)]


async def test_a_slot_of_an_absent_doctor_is_refused_so_even_if_it_is_taken(service: Availability) -> None:
    doctor, slots = await daily(service)
    await service.execute("UPDATE days SET available = false WHERE doctor_id = $1", doctor)
    said = await service.deliver(*(book(service.clinic, doctor, slot_id=slots[number]) for number in (1, 2)))
    assert said.refusals == [Code.DOCTOR_ABSENT] * 2


@pytest.mark.parametrize("timed", [True, False], ids=["timed", "daily"])
async def test_named_and_any_places_of_one_day_go_out_in_order_of_arrival(service: Availability, timed: bool) -> None:
    """Any gets the first place that is left, also where one behind it has been named before: nobody finds the day full."""
    doctor = await service.doctor()
    if timed:
        slots = await service.timed_day(doctor, (60, 75, 90, 105))
    else:
        await service.settings(default_daily_capacity=4)
        (first,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
        await service.deliver(releases(first))
        slots = await service.slots(doctor)
    wanted = [1, None, 3, 1, None, None, 4]
    said = await service.deliver(*(book(service.clinic, doctor, slot_id=number and slots[number]) for number in wanted))
    assert said.numbers == [1, 2, 3, 4]
    assert said.refusals == [Code.SLOT_TAKEN, Code.FULL, Code.SLOT_TAKEN]
    assert said.types == ["SlotReserved"] * 3 + ["BookingRefused", "SlotReserved"] + ["BookingRefused"] * 2


async def test_a_slot_that_the_batch_frees_can_be_taken_by_its_name(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor)
    (held,) = (await service.deliver(book(service.clinic, doctor, slot_id=slots[2]))).of(SlotReserved)
    said = await service.deliver(book(service.clinic, doctor, slot_id=slots[2]), releases(held))
    assert said.types == ["SlotFreed", "SlotReserved"] and said.of(SlotReserved)[0].slot_id == slots[2]
    (again,) = said.of(SlotReserved)
    await service.execute("UPDATE slots SET published = false WHERE id = $1", slots[2])
    gone = await service.deliver(releases(again), book(service.clinic, doctor, slot_id=slots[2]))
    assert gone.refusals == [Code.NO_SUCH_SLOT], "without a rule it goes as it is freed"


async def test_a_freed_number_that_gets_another_is_still_the_slot_of_its_id(service: Availability) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(10)))).of(SlotReserved)
    await service.lower(doctor, keep=[9, 10])
    said = await service.deliver(releases(held[9]), book(service.clinic, doctor, slot_id=held[9].slot_id))
    assert [(one.slot_id, one.slot_number) for one in said.of(SlotReserved)] == [(held[9].slot_id, 1)]


async def test_200_commands_of_one_batch_for_one_slot_have_one_winner(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor)
    commands = [book(service.clinic, doctor, slot_id=slots[3]) for _ in range(200)]
    said = await service.deliver(*commands)
    assert [one.command_id for one in said.of(SlotReserved)] == [commands[0].command_id], "whoever comes first"
    assert said.refusals == [Code.SLOT_TAKEN] * 199


async def test_200_commands_over_many_connections_for_one_slot_have_one_winner(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor)
    batches = ([book(service.clinic, doctor, slot_id=slots[3]) for _ in range(10)] for _ in range(20))
    said = await asyncio.gather(*(service.deliver(*batch) for batch in batches))
    assert [number for one in said for number in one.numbers] == [3]
    assert [code for one in said for code in one.refusals] == [Code.SLOT_TAKEN] * 199
    assert await service.numbers(doctor, "taken") == [3]


async def test_a_batch_of_any_places_and_one_that_names_them_never_share_one(service: Availability) -> None:
    doctor = await service.doctor()
    slots = await service.timed_day(doctor, range(60, 360, 15))
    named = [book(service.clinic, doctor, slot_id=slot) for slot in slots.values()]
    some = [book(service.clinic, doctor) for _ in slots]
    said = await asyncio.gather(*(service.deliver(*named[at::4], *some[at::4]) for at in range(4)))
    assert sorted(number for one in said for number in one.numbers) == list(slots), "all are taken, each once"
    refused = {code for one in said for code in one.refusals}
    assert refused <= {Code.FULL, Code.SLOT_TAKEN}
