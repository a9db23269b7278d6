"""Places given back on a real Postgres: by whom they are held decides, whatever is repeated, late or renumbered."""

from typing import Any
from uuid import uuid4

from shared.contracts.availability import SlotFreed, SlotReserved
from shared.contracts.booking import AppointmentRefused
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.metrics import REGISTRY, RELEASES_IGNORED
from tests.integration.availability.availability import ANSWER, Availability, book, envelope, releases
from tests.support.dates import in_days


def ignored() -> float:
    assert RELEASES_IGNORED
    return REGISTRY.get_sample_value("frontdesk_releases_ignored_total") or 0


async def test_a_release_frees_the_slot_settles_its_command_and_answers(service: Availability) -> None:
    doctor = await service.doctor()
    (reserved,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    release, before = releases(reserved), ignored()
    said = await service.deliver(release)
    (freed,) = said.of(SlotFreed)
    assert (freed.command_id, freed.slot_id, freed.reservation_id, freed.appointment_id, freed.key) == (
        release.command_id, reserved.slot_id, reserved.reservation_id, reserved.appointment_id, reserved.key,
    )  # fmt: skip
    assert [(r.answer, r.replayed, r.command_id) for r in said.unit.replies] == [(ANSWER, False, release.command_id)]
    assert await service.numbers(doctor, "free") == list(range(1, 11))
    assert await service.rows("SELECT FROM slots WHERE reservation_id IS NOT NULL OR appointment_id IS NOT NULL") == []
    assert ignored() == before


async def test_a_refused_appointment_gives_its_place_back_and_its_refusal_is_the_answer(service: Availability) -> None:
    doctor = await service.doctor()
    (held,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    refusal = Answer.refusal(Code.UNKNOWN_PATIENT)
    ids: dict[str, Any] = {"slot_id": held.slot_id, "reservation_id": held.reservation_id, "appointment_id": held.appointment_id}
    said = await service.deliver(
        AppointmentRefused(**envelope(service.clinic), doctor_id=doctor, date=in_days(1), **ids, answer=refusal)
    )
    assert said.types == ["SlotFreed"] and [reply.answer for reply in said.unit.replies] == [refusal]
    assert await service.numbers(doctor, "taken") == []


async def test_a_release_that_comes_twice_acts_once_and_is_answered_twice(service: Availability) -> None:
    (reserved,) = (await service.deliver(book(service.clinic, await service.doctor()))).of(SlotReserved)
    before = ignored()
    said = await service.deliver(releases(reserved), releases(reserved))
    assert said.types == ["SlotFreed", "SlotFreed"] and len(said.unit.replies) == 2
    assert ignored() == before + 1
    assert (await service.deliver(releases(reserved))).types == ["SlotFreed"]
    assert ignored() == before + 2


async def test_a_late_release_under_a_new_id_leaves_the_next_holder_alone(service: Availability) -> None:
    doctor = await service.doctor()
    (first,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    (second,) = (await service.deliver(releases(first), book(service.clinic, doctor))).of(SlotReserved)
    assert second.slot_id == first.slot_id and second.reservation_id != first.reservation_id
    before = ignored()
    await service.deliver(releases(first))
    assert ignored() == before + 1
    held = await service.rows("SELECT reservation_id FROM slots WHERE id = $1 AND state = 'taken'", second.slot_id)
    assert held == [(second.reservation_id,)]


async def test_a_place_freed_by_a_batch_goes_to_a_booking_of_the_same_batch(service: Availability) -> None:
    doctor = await service.doctor()
    full = (await service.deliver(*(book(service.clinic, doctor) for _ in range(10)))).of(SlotReserved)
    said = await service.deliver(book(service.clinic, doctor), releases(full[6]), book(service.clinic, doctor))
    assert (said.numbers, said.refusals) == ([7], [Code.FULL])


async def test_a_release_acts_however_late_and_also_for_an_absent_doctor(service: Availability) -> None:
    doctor = await service.doctor()
    (reserved,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    await service.execute("UPDATE days SET available = false WHERE doctor_id = $1", doctor)
    await service.deliver(releases(reserved, decide_by=reserved.occurred_at.replace(year=2001)))
    assert await service.numbers(doctor, "taken") == []


async def test_a_release_that_no_command_asked_for_is_done_in_silence(service: Availability) -> None:
    doctor = await service.doctor()
    (reserved,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    said = await service.deliver(releases(reserved, command_id=None))
    assert said.types == [] and said.unit.replies == []
    assert await service.numbers(doctor, "taken") == []


async def test_a_release_on_another_day_or_for_another_clinic_frees_nothing(service: Availability) -> None:
    doctor = await service.doctor()
    (reserved,) = (await service.deliver(book(service.clinic, doctor))).of(SlotReserved)
    elsewhere = releases(reserved).model_copy(update={"doctor_id": uuid4()})
    foreign = releases(reserved).model_copy(update={"clinic_id": uuid4()})
    before = ignored()
    await service.deliver(elsewhere, foreign)
    assert ignored() == before + 2
    assert await service.numbers(doctor, "taken") == [1]


async def test_freed_numbers_above_the_capacity_take_the_lowest_missing_ones(service: Availability) -> None:
    doctor = await service.doctor()
    held = (await service.deliver(*(book(service.clinic, doctor) for _ in range(10)))).of(SlotReserved)
    await service.deliver(*(releases(one) for one in held if one.slot_number in (1, 3, 4, 5)))
    await service.lower(doctor, [2, 6, 7, 8, 9, 10])  # capacity 6: 7, 8, 9 and 10 are above it
    await service.deliver(*(releases(one) for one in held if one.slot_number in (6, 9, 10)))
    assert await service.numbers(doctor, "free") == [1, 3, 6]
    assert await service.numbers(doctor, "taken") == [2, 7, 8]
    by_id = dict(await service.rows("SELECT id, number FROM slots WHERE doctor_id = $1", doctor))
    assert [by_id[held[n - 1].slot_id] for n in (6, 9, 10)] == [6, 1, 3], "the lower of two gets the lower number"
    await service.deliver(*(releases(one) for one in held if one.slot_number in (2, 7, 8)))
    assert await service.numbers(doctor, "free") == [1, 2, 3, 4, 5, 6]
