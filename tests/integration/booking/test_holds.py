"""Holding a place and confirming it on a real Postgres, the limit, and what a hold that is over reads as while nobody sweeps."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from services.booking.repository import appointments
from services.booking.service.appointments.expiry import expire_unlocked
from shared.contracts.appointments import Status
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, AppointmentConfirmed, AppointmentRefused, Purpose
from shared.contracts.problems import Code
from shared.infra.errors import Outrun
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, merge, refusal, registered
from tests.support.booking_messages import LATE, cancel, check_in, confirm, move_of, reserved, revoked
from tests.support.dates import in_days

pytestmark = pytest.mark.integration

HOUR = dt.timedelta(hours=1)
NINE = dt.datetime.combine(in_days(3), dt.time(9), dt.UTC)
AT_NINE: dict[str, Any] = {"date": NINE.date(), "starts_at": NINE, "ends_at": NINE + HOUR}


async def test_a_held_place_is_pending_for_the_clinics_time(booking: Booking) -> None:
    await booking.settings(hold_ttl_seconds=90)
    slot = reserved(booking.clinic, await booking.patient(), purpose=Purpose.HOLD)
    result = await booking.deliver(slot)
    (booked,), (answer,) = result.of(AppointmentBooked), result.answers
    assert (booked.version, booked.status) == (1, Status.PENDING)
    end = result.unit.now + dt.timedelta(seconds=90)
    assert answer.status_code == 201 and answer.result
    assert (answer.result["status"], dt.datetime.fromisoformat(answer.result["expires_at"])) == ("pending", end)
    row, outcome = await booking.row(slot), await booking.outcome(slot)
    assert (row["status"], row["expires_at"], row["version"]) == ("pending", end, 1)
    assert outcome and outcome.settled_at and outcome.answer == answer and outcome.type == "BookAppointment"
    assert await booking.effects(slot.appointment_id) == ["appointment_held"]
    assert await booking.has_timer(slot)


async def test_a_clinic_that_said_nothing_holds_for_half_an_hour(booking: Booking) -> None:
    row = await booking.row(await booking.held())
    assert row["expires_at"] - row["created_at"] == dt.timedelta(minutes=30)


async def test_what_is_booked_at_once_has_no_timer(booking: Booking) -> None:
    assert not await booking.has_timer(await booking.booked())


async def test_a_confirmed_hold_is_booked_for_good(booking: Booking) -> None:
    slot = await booking.held()
    command = confirm(booking.clinic, slot.appointment_id)
    result = await booking.deliver(command)
    (confirmed,), (answer,) = result.of(AppointmentConfirmed), result.answers
    assert result.types == ["AppointmentConfirmed"]
    assert (confirmed.version, confirmed.patient_id, confirmed.key) == (2, slot.patient_id, slot.key)
    assert answer.status_code == 200 and answer.result
    assert (answer.result["status"], answer.result["expires_at"], answer.result["version"]) == ("booked", None, 2)
    row, outcome = await booking.row(slot), await booking.outcome(command)
    assert (row["status"], row["expires_at"], row["version"]) == ("booked", None, 2)
    assert outcome and outcome.settled_at and outcome.answer == answer and outcome.type == "ConfirmAppointment"
    assert await booking.effects(slot.appointment_id) == ["appointment_held", "appointment_confirmed"]


async def test_confirming_again_is_the_same_answer_and_changes_nothing(booking: Booking) -> None:
    slot = await booking.held()
    first = await booking.deliver(confirm(booking.clinic, slot.appointment_id))
    again = await booking.deliver(confirm(booking.clinic, slot.appointment_id), confirm(booking.clinic, slot.appointment_id))
    assert again.types == [] and again.answers == first.answers * 2
    assert (await booking.row(slot))["version"] == 2
    repeat = await booking.deliver(command := confirm(booking.clinic, slot.appointment_id), command)
    assert [reply.replayed for reply in repeat.unit.replies] == [False, True]


@pytest.mark.parametrize("status", ["booked", "checked_in", "fulfilled"])
async def test_what_was_never_held_or_has_gone_on_is_confirmed_as_it_is(booking: Booking, status: str) -> None:
    slot = await booking.booked()
    await booking.put(slot, status=status)
    result = await booking.deliver(confirm(booking.clinic, slot.appointment_id))
    assert result.types == [] and result.answers[0].result and result.answers[0].result["status"] == status


async def test_refusals_of_a_confirmation(booking: Booking) -> None:
    gone, over, missed, held = [await booking.held() for _ in range(4)]
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    await booking.lapse(over)
    await booking.put(missed, status="no_show", expires_at=None)
    strangers = await Booking(booking.database, uuid4()).held()
    asked = [
        (confirm(booking.clinic, gone.appointment_id), Code.CANCELLED),
        (confirm(booking.clinic, over.appointment_id), Code.EXPIRED),
        (confirm(booking.clinic, missed.appointment_id), Code.PAST),
        (confirm(booking.clinic, strangers.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (confirm(booking.clinic, held.appointment_id, **LATE), Code.TOO_LATE),
    ]
    result = await booking.deliver(*(command for command, _ in asked))
    assert result.codes == [code for _, code in asked] and result.types == []


async def test_confirm_cancel_and_confirm_of_one_batch_act_one_after_the_other_without_a_gap(booking: Booking) -> None:
    one, two, over = await booking.held(), await booking.held(), await booking.held()
    await booking.lapse(over)
    result = await booking.deliver(
        confirm(booking.clinic, one.appointment_id),
        cancel(booking.clinic, two.appointment_id),
        cancel(booking.clinic, one.appointment_id),
        confirm(booking.clinic, two.appointment_id),
        confirm(booking.clinic, over.appointment_id),
        cancel(booking.clinic, over.appointment_id),
    )
    assert [one.version for one in result.of(AppointmentConfirmed)] == [2]
    assert [one.version for one in result.of(AppointmentCancelled)] == [2, 3]
    assert result.codes == [None, Code.CANCELLED, Code.EXPIRED, Code.EXPIRED]
    await booking.sweep()
    rows = [await booking.row(slot) for slot in (one, two, over)]
    assert [(row["status"], row["version"]) for row in rows] == [("cancelled", 3), ("cancelled", 2), ("expired", 2)]


async def test_a_hold_and_its_confirmation_in_one_batch(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient(), purpose=Purpose.HOLD)
    result = await booking.deliver(confirm(booking.clinic, slot.appointment_id), slot)
    assert result.types == ["AppointmentBooked", "AppointmentConfirmed"]
    assert (await booking.row(slot))["version"] == 2


async def test_a_patient_has_three_live_holds_at_most(booking: Booking) -> None:
    patient = await booking.patient()
    first = await booking.held(patient=patient, date=in_days(40))
    more = [reserved(booking.clinic, patient, purpose=Purpose.HOLD) for _ in range(4)]
    others = reserved(booking.clinic, await booking.patient(), purpose=Purpose.HOLD)
    result = await booking.deliver(*more, reserved(booking.clinic, patient), others)
    assert result.types == ["AppointmentBooked"] * 2 + ["AppointmentRefused"] * 2 + ["AppointmentBooked"] * 2
    assert {one.answer.code for one in result.of(AppointmentRefused)} == {Code.TOO_MANY_HOLDS}
    await booking.deliver(confirm(booking.clinic, first.appointment_id))
    await booking.lapse(more[0])
    result = await booking.deliver(*(reserved(booking.clinic, patient, purpose=Purpose.HOLD) for _ in range(2)))
    assert result.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked", "AppointmentBooked"]
    result = await booking.deliver(reserved(booking.clinic, patient, purpose=Purpose.HOLD))
    assert result.types == ["AppointmentRefused"], "one confirmed, one over: two were left, and two have come"


async def test_who_is_elsewhere_is_busy_before_it_holds_too_much(booking: Booking) -> None:
    patient = await booking.patient()
    for hour in range(3):
        await booking.held(patient=patient, date=NINE.date(), starts_at=NINE + hour * HOUR, ends_at=NINE + (hour + 1) * HOUR)
    result = await booking.deliver(reserved(booking.clinic, patient, purpose=Purpose.HOLD, **AT_NINE))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_hold_keeps_its_hour_until_it_is_over_and_not_a_moment_longer(booking: Booking) -> None:
    patient = await booking.patient()
    held = await booking.held(patient=patient, **AT_NINE)
    result = await booking.deliver(reserved(booking.clinic, patient, **AT_NINE))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.PATIENT_BUSY]
    await booking.lapse(held)
    result = await booking.deliver(reserved(booking.clinic, patient, **AT_NINE))
    assert result.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]
    assert (await booking.row(held))["status"] == "expired"
    await booking.sweep()
    assert (await booking.row(held))["version"] == 2 and not await booking.has_timer(held)


async def test_a_hold_that_is_over_stands_in_no_moves_way(booking: Booking) -> None:
    patient = await booking.patient()
    held = await booking.held(patient=patient, **AT_NINE)
    moving = await booking.booked(patient=patient)
    assert (await booking.deliver(move_of(moving, **AT_NINE))).of(AppointmentRefused)[0].answer.code == Code.PATIENT_BUSY
    await booking.lapse(held)
    result = await booking.deliver(move_of(moving, **AT_NINE))
    assert result.types == ["AppointmentExpired", "SlotReleased", "AppointmentMoved", "SlotReleased"]


async def test_a_hold_that_is_over_is_not_moved_and_ends_where_it_is(booking: Booking) -> None:
    held = await booking.held(**AT_NINE)
    await booking.lapse(held)
    result = await booking.deliver(new := move_of(held, **AT_NINE))
    assert result.types == ["AppointmentExpired", "SlotReleased", "AppointmentRefused"]
    assert result.of(AppointmentRefused)[0].answer.code == Code.EXPIRED
    row = await booking.row(held)
    assert (row["status"], row["version"], row["reservation_id"]) == ("expired", 2, held.reservation_id)
    assert result.of(AppointmentRefused)[0].reservation_id == new.reservation_id


async def test_a_hold_that_is_over_is_no_booking_of_its_day(booking: Booking) -> None:
    await booking.settings(one_booking_per_patient_day=True)
    patient, doctor = await booking.patient(), uuid4()
    held = await booking.held(patient=patient, doctor_id=doctor)
    await booking.lapse(held)
    result = await booking.deliver(reserved(booking.clinic, patient, doctor_id=doctor))
    assert result.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]


async def test_who_meets_a_hold_that_somebody_decides_about_begins_again(booking: Booking) -> None:
    patient = await booking.patient()
    held = await booking.held(patient=patient, **AT_NINE)
    await booking.lapse(held)
    again = reserved(booking.clinic, patient, **AT_NINE)
    async with booking.batch(confirm(booking.clinic, held.appointment_id)):
        with pytest.raises(Outrun):
            await booking.deliver(again)
    assert (await booking.deliver(again)).types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]


async def test_what_was_decided_between_the_look_and_the_lock_is_taken_as_it_is(booking: Booking) -> None:
    """The rows were read before their locks: one is expired by now, one was confirmed in time, one cancelled."""
    slots = [await booking.held() for _ in range(3)]
    async with booking.units.batch({booking.clinic}) as unit:
        seen = await appointments.try_lock(unit.connection, {(booking.clinic, slot.appointment_id) for slot in slots})
    await booking.lapse(slots[0])
    await booking.sweep()
    await booking.deliver(confirm(booking.clinic, slots[1].appointment_id), cancel(booking.clinic, slots[2].appointment_id))
    async with booking.units.batch({booking.clinic}) as unit:
        live = await expire_unlocked(unit.at(max(one.expires_at for one in seen if one.expires_at)), seen)
        assert unit.emitted == []
    assert [one.id for one in live] == [slots[1].appointment_id]


async def test_over_and_not_swept_it_reads_as_expired(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    over, held = await booking.held(patient=patient), await booking.held(patient=patient)
    await booking.lapse(over)
    read = (await client.get(f"/internal/appointments/{over.appointment_id}")).json()
    assert (read["status"], read["version"]) == ("expired", 1)
    listed = (await client.get("/internal/appointments", params={"patient_id": str(patient)})).json()["items"]
    states = {str(over.appointment_id): "expired", str(held.appointment_id): "pending"}
    assert {one["id"]: one["status"] for one in listed} == states
    asked = {"ids": list(states)}
    looked = (await client.post("/internal/appointments/look", json=asked)).json()["items"]
    assert {one["id"]: one["status"] for one in looked} == states


async def test_over_and_not_swept_it_is_listed_among_the_expired(client: AsyncClient, booking: Booking) -> None:
    over, swept, held, booked = await booking.held(), await booking.held(), await booking.held(), await booking.booked()
    await booking.lapse(swept)
    await booking.sweep()
    await booking.lapse(over)

    async def ids(status: str) -> set[str]:
        page = (await client.get("/internal/appointments", params={"status": status})).json()
        return {one["id"] for one in page["items"]}

    assert await ids("expired") == {str(over.appointment_id), str(swept.appointment_id)}
    assert await ids("pending") == {str(held.appointment_id)}
    assert await ids("booked") == {str(booked.appointment_id)}


async def test_over_and_not_swept_nothing_can_be_done_with_it(booking: Booking) -> None:
    over = await booking.held()
    await booking.lapse(over)
    result = await booking.deliver(
        check_in(booking.clinic, over.appointment_id, over.patient_id),
        confirm(booking.clinic, over.appointment_id),
        cancel(booking.clinic, over.appointment_id),
        revoked(over),
    )
    assert result.codes == [Code.EXPIRED] * 3 and result.types == []
    assert (await booking.row(over))["status"] == "pending", "the sweep is who writes it down"


async def test_a_held_place_is_not_checked_in_before_it_is_confirmed(booking: Booking) -> None:
    slot = await booking.held()
    result = await booking.deliver(check_in(booking.clinic, slot.appointment_id, slot.patient_id))
    assert result.codes == [Code.NOT_CONFIRMED]


async def test_a_cancelled_hold_frees_its_place_and_counts_no_more(booking: Booking) -> None:
    patient = await booking.patient()
    held = [await booking.held(patient=patient) for _ in range(3)]
    result = await booking.deliver(cancel(booking.clinic, held[0].appointment_id))
    assert result.types == ["AppointmentCancelled", "SlotReleased"]
    await booking.held(patient=patient)


async def test_a_survivors_hold_that_is_over_stands_in_no_merges_way(client: AsyncClient, booking: Booking) -> None:
    survivor, loser = await registered(client), await registered(client)
    over = await booking.held(patient=survivor, **AT_NINE)
    moving = await booking.booked(patient=loser, **AT_NINE)
    assert refusal(await merge(client, loser, survivor))[:2] == (409, "overlapping_appointments")
    await booking.lapse(over)
    await booking.published()
    assert (await merge(client, loser, survivor)).status_code == 200
    assert [one["type"] for one in await booking.published()][:3] == [
        "AppointmentExpired",
        "SlotReleased",
        "AppointmentReassigned",
    ]
    assert [(await booking.row(slot))["status"] for slot in (over, moving)] == ["expired", "booked"]
    assert (await booking.row(moving))["patient_id"] == survivor


async def test_a_deleted_patients_hold_is_cancelled_and_one_that_is_over_expires(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    over, held = await booking.held(patient=patient), await booking.held(patient=patient)
    await booking.lapse(over)
    assert refusal(await delete(client, patient)) == (409, "has_appointments", {str(held.appointment_id)})
    assert (await delete(client, patient, cancelling=True)).status_code == 200
    assert [(await booking.row(slot))["status"] for slot in (over, held)] == ["expired", "cancelled"]


async def test_the_clinics_cut_off_stands_against_a_cancel(booking: Booking) -> None:
    await booking.settings(cancel_cutoff_minutes=60)
    now = dt.datetime.now(dt.UTC)
    soon = now + HOUR / 2
    near = await booking.booked(date=soon.date(), starts_at=soon, ends_at=soon + HOUR)
    far = await booking.booked(date=(now + 2 * HOUR).date(), starts_at=now + 2 * HOUR, ends_at=now + 3 * HOUR)
    tomorrow = await booking.booked(date=in_days(2))
    other = Booking(booking.database, uuid4())
    elsewhere = await other.booked(date=soon.date(), starts_at=soon, ends_at=soon + HOUR)
    result = await booking.deliver(
        *(cancel(one.clinic_id, one.appointment_id) for one in (near, far, tomorrow, elsewhere)),
    )
    assert result.codes == [Code.PAST_CUTOFF]
    states = [(await booking.row(slot))["status"] for slot in (near, far, tomorrow, elsewhere)]
    assert states == ["booked", "cancelled", "cancelled", "cancelled"]
