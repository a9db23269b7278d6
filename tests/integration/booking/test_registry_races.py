"""Deletes and merges of patients beside batches that book for them and check them in: whoever comes second sees the first.

Each race has both orders pinned by a lock that is waited for, and many rounds in which the order is left to chance.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from httpx2 import AsyncClient, Response

from shared.contracts.availability import SlotReserved
from shared.contracts.booking import AppointmentRefused
from shared.contracts.envelope import Message
from shared.contracts.problems import Code
from shared.infra.errors import is_transient
from shared.infra.postgres import Database
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, merge, refusal, registered
from tests.support.batches import BatchResult, until_it_waits
from tests.support.booking_messages import HOUR, NINE, check_in, reserved, timed
from tests.support.rounds import rounds

pytestmark = pytest.mark.integration

ROUNDS = rounds(50)


async def deliver(booking: Booking, *messages: Message) -> BatchResult:
    """A batch as the consumer has it: what passes by itself, a deadlock, is tried again."""
    while True:
        try:
            return await booking.deliver(*messages)
        except Exception as error:
            if not is_transient(error):
                raise


async def in_turn(booking: Booking, *messages: Message) -> None:
    """One batch after the other, so that some are before what happens beside them and some behind it."""
    for message in messages:
        await deliver(booking, message)


async def answered(call: Callable[[], Awaitable[Response]]) -> Response:
    """A call as a client makes it: again as long as it hears that the service is busy."""
    while (answer := await call()).status_code == 503:
        pass
    return answer


async def shuffled(turn: int, *work: Coroutine[Any, Any, Any]) -> list[Any]:
    """All at once, begun in another order each turn; the results in the order of asking."""
    async with asyncio.TaskGroup() as group:
        begun = [group.create_task(work[(place + turn) % len(work)]) for place in range(len(work))]
    return [begun[(place - turn) % len(work)].result() for place in range(len(work))]


async def code_of(booking: Booking, command: Message) -> str | None:
    """How a command was decided: `None` for a success. It is lost if nobody has."""
    outcome = await booking.outcome(command)
    assert outcome is not None
    return outcome.answer.code


async def whole(booking: Booking, slot: SlotReserved) -> dict[str, Any]:
    """An appointment each of whose versions has its row in the audit trail."""
    row = await booking.row(slot)
    async with booking.database.batch({booking.clinic}) as (connection, _):
        noted = await connection.fetch(
            "SELECT (detail ->> 'version')::int AS version FROM audit WHERE subject_id = $1 ORDER BY 1", slot.appointment_id
        )
    assert [one["version"] for one in noted] == list(range(1, row["version"] + 1))
    return row


# Deleting


async def test_a_booking_waits_for_its_patient_to_be_deleted_and_is_refused(
    booking: Booking, database: Database, client: AsyncClient
) -> None:
    slot = await booking.booked()
    async with database.batch({booking.clinic}) as (holder, _):
        # The delete has its patient and waits for an appointment.
        await holder.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        deleting = asyncio.create_task(delete(client, slot.patient_id, cancelling=True))
        await until_it_waits(database)
        late = reserved(booking.clinic, slot.patient_id)
        racing = asyncio.create_task(booking.deliver(late))
        await until_it_waits(database, 2)
    assert (await deleting).status_code == 200
    assert [one.answer.code for one in (await racing).of(AppointmentRefused)] == [Code.UNKNOWN_PATIENT]
    assert await booking.row(late) == {}


async def test_a_delete_waits_for_a_booking_and_finds_its_appointment(
    booking: Booking, database: Database, client: AsyncClient
) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    async with booking.batch(slot):
        deleting = asyncio.create_task(delete(client, slot.patient_id))
        await until_it_waits(database)
    assert refusal(await deleting) == (409, "has_appointments", {str(slot.appointment_id)})


@pytest.mark.parametrize("cancelling", [True, False])
async def test_a_deleted_patient_never_has_a_live_appointment(booking: Booking, client: AsyncClient, cancelling: bool) -> None:
    endings: Counter[str | None] = Counter()
    for turn in range(ROUNDS):
        patient = await booking.patient()
        bookings = [reserved(booking.clinic, patient, slot_number=number) for number in range(1, 7)]
        answer, *_ = await shuffled(
            turn,
            answered(partial(delete, client, patient, cancelling=cancelling)),
            in_turn(booking, *bookings[:4]),
            deliver(booking, *bookings[4:]),
        )
        deleted = (await booking.patient_row(patient))["status"] == "deleted"
        assert answer.status_code == (200 if deleted else 409)
        for slot in bookings:
            code = await code_of(booking, slot)
            endings[code] += 1
            if code:
                assert (code, await booking.row(slot), deleted) == (Code.UNKNOWN_PATIENT, {}, True)
            else:
                assert (await whole(booking, slot))["status"] == ("cancelled" if deleted else "booked")
    assert endings.total() == 6 * ROUNDS, endings


# Merging


async def test_a_booking_waits_for_a_merge_and_is_the_survivor_s(
    booking: Booking, database: Database, client: AsyncClient
) -> None:
    loser, survivor = await registered(client), await registered(client)
    held = await booking.booked(patient=loser)
    async with database.batch({booking.clinic}) as (holder, _):
        await holder.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", held.appointment_id)
        merging = asyncio.create_task(merge(client, loser, survivor))
        await until_it_waits(database)
        slot = reserved(booking.clinic, loser)
        racing = asyncio.create_task(booking.deliver(slot))
        await until_it_waits(database, 2)
    assert (await merging).status_code == 200 and (await racing).types == ["AppointmentBooked"]
    assert {(await booking.row(one))["patient_id"] for one in (held, slot)} == {survivor}


async def test_a_check_in_waits_for_a_merge_and_is_right(booking: Booking, database: Database, client: AsyncClient) -> None:
    loser, survivor = await registered(client), await registered(client)
    slot = await booking.booked(patient=loser)
    async with database.batch({booking.clinic}) as (holder, _):
        await holder.execute("SELECT FROM appointments WHERE id = $1 FOR UPDATE", slot.appointment_id)
        merging = asyncio.create_task(merge(client, loser, survivor))
        await until_it_waits(database)
        arriving = asyncio.create_task(booking.deliver(check_in(booking.clinic, slot.appointment_id, loser)))
        await until_it_waits(database, 2)
    assert (await merging).status_code == 200 and (await arriving).types == ["PatientCheckedIn"]
    row = await whole(booking, slot)
    assert (row["patient_id"], row["status"], row["version"]) == (survivor, "checked_in", 3)


async def test_merges_beside_bookings_and_check_ins_lose_nothing(booking: Booking, client: AsyncClient) -> None:
    for turn in range(ROUNDS):
        people = [await registered(client) for _ in range(3)]
        first, second, last = people if turn % 2 else reversed(people)
        before = [await booking.booked(patient=patient) for patient in (first, second, last)]
        bookings = [reserved(booking.clinic, patient) for patient in (last, second, first, first)]
        arrivals = [check_in(booking.clinic, slot.appointment_id, slot.patient_id) for slot in before]
        await shuffled(
            turn,
            answered(partial(merge, client, first, second)),
            answered(partial(merge, client, second, last)),
            deliver(booking, *bookings[:3]),
            deliver(booking, bookings[3], *arrivals),
        )
        assert [await code_of(booking, command) for command in (*bookings, *arrivals)] == [None] * 7
        rows = [await whole(booking, slot) for slot in (*before, *bookings)]
        assert {row["patient_id"] for row in rows} == {last}
        assert [row["status"] for row in rows] == ["checked_in"] * 3 + ["booked"] * 4
        assert [(await booking.patient_row(one))["merged_into"] for one in (first, second, last)] == [last, last, None]


async def test_a_merge_beside_a_booking_of_the_same_hour_never_puts_one_person_in_two_places(
    booking: Booking, client: AsyncClient
) -> None:
    endings: Counter[tuple[int, str | None]] = Counter()
    for turn in range(ROUNDS):
        loser, survivor = await registered(client), await registered(client)
        await booking.booked(patient=loser, **timed(NINE))
        slot = reserved(booking.clinic, survivor, **timed(NINE + HOUR / 2))
        others = [reserved(booking.clinic, await booking.patient()) for _ in range(turn % 5)]
        answer, _ = await shuffled(turn, answered(partial(merge, client, loser, survivor)), in_turn(booking, *others, slot))
        endings[answer.status_code, await code_of(booking, slot)] += 1
    assert endings.keys() <= {(200, Code.PATIENT_BUSY), (409, None)}, endings


async def test_merges_of_each_into_the_other_leave_one_of_them(booking: Booking, client: AsyncClient) -> None:
    for turn in range(ROUNDS):
        one, other = await registered(client), await registered(client)
        answers = await shuffled(
            turn,
            answered(partial(merge, client, one, other)),
            answered(partial(merge, client, other, one)),
        )
        assert sorted(answer.status_code for answer in answers) == [200, 422]
        rows = [await booking.patient_row(id_) for id_ in (one, other)]
        assert sorted(row["status"] for row in rows) == ["active", "deleted"]
