"""Holding a place and confirming it on a real Postgres, the limit, and what a hold that is over reads as while nobody sweeps."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from services.booking.repository import appointments
from services.booking.service.appointments.holds import without_overdue
from shared.contracts.appointments import Status
from shared.contracts.booking import AppointmentBooked, AppointmentCancelled, AppointmentConfirmed, AppointmentRefused, Purpose
from shared.contracts.problems import Code
from shared.infra.errors import Outrun
from tests.integration.booking.calls import delete, merge, refusal, registered
from tests.integration.booking.desk import Desk
from tests.support.dates import in_days
from tests.unit.booking.messages import LATE, cancel, check_in, confirm, move_of, reserved, revoked

pytestmark = pytest.mark.integration

HOUR = dt.timedelta(hours=1)
NINE = dt.datetime.combine(in_days(3), dt.time(9), dt.UTC)
AT_NINE: dict[str, Any] = {"date": NINE.date(), "starts_at": NINE, "ends_at": NINE + HOUR}


async def test_a_held_place_is_pending_for_the_clinics_time(desk: Desk) -> None:
    await desk.settings(hold_ttl_seconds=90)
    slot = reserved(desk.clinic, await desk.patient(), purpose=Purpose.HOLD)
    said = await desk.deliver(slot)
    (booked,), (answer,) = said.of(AppointmentBooked), said.answers
    assert (booked.version, booked.status) == (1, Status.PENDING)
    end = said.unit.now + dt.timedelta(seconds=90)
    assert answer.status_code == 201 and answer.result
    assert (answer.result["status"], dt.datetime.fromisoformat(answer.result["expires_at"])) == ("pending", end)
    row, outcome = await desk.row(slot), await desk.outcome(slot)
    assert (row["status"], row["expires_at"], row["version"]) == ("pending", end, 1)
    assert outcome and outcome.settled_at and outcome.answer == answer and outcome.type == "BookAppointment"
    assert await desk.effects(slot.appointment_id) == ["appointment_held"]
    assert await desk.has_timer(slot)


async def test_a_clinic_that_said_nothing_holds_for_half_an_hour(desk: Desk) -> None:
    row = await desk.row(await desk.held())
    assert row["expires_at"] - row["created_at"] == dt.timedelta(minutes=30)


async def test_what_is_booked_at_once_has_no_timer(desk: Desk) -> None:
    assert not await desk.has_timer(await desk.booked())


async def test_a_confirmed_hold_is_booked_for_good(desk: Desk) -> None:
    slot = await desk.held()
    command = confirm(desk.clinic, slot.appointment_id)
    said = await desk.deliver(command)
    (confirmed,), (answer,) = said.of(AppointmentConfirmed), said.answers
    assert said.types == ["AppointmentConfirmed"]
    assert (confirmed.version, confirmed.patient_id, confirmed.key) == (2, slot.patient_id, slot.key)
    assert answer.status_code == 200 and answer.result
    assert (answer.result["status"], answer.result["expires_at"], answer.result["version"]) == ("booked", None, 2)
    row, outcome = await desk.row(slot), await desk.outcome(command)
    assert (row["status"], row["expires_at"], row["version"]) == ("booked", None, 2)
    assert outcome and outcome.settled_at and outcome.answer == answer and outcome.type == "ConfirmAppointment"
    assert await desk.effects(slot.appointment_id) == ["appointment_held", "appointment_confirmed"]


async def test_confirming_again_is_the_same_answer_and_changes_nothing(desk: Desk) -> None:
    slot = await desk.held()
    first = await desk.deliver(confirm(desk.clinic, slot.appointment_id))
    again = await desk.deliver(confirm(desk.clinic, slot.appointment_id), confirm(desk.clinic, slot.appointment_id))
    assert again.types == [] and again.answers == first.answers * 2
    assert (await desk.row(slot))["version"] == 2
    repeat = await desk.deliver(command := confirm(desk.clinic, slot.appointment_id), command)
    assert [reply.replayed for reply in repeat.unit.replies] == [False, True]


@pytest.mark.parametrize("status", ["booked", "checked_in", "fulfilled"])
async def test_what_was_never_held_or_has_gone_on_is_confirmed_as_it_is(desk: Desk, status: str) -> None:
    slot = await desk.booked()
    await desk.put(slot, status=status)
    said = await desk.deliver(confirm(desk.clinic, slot.appointment_id))
    assert said.types == [] and said.answers[0].result and said.answers[0].result["status"] == status


async def test_refusals_of_a_confirmation(desk: Desk) -> None:
    gone, over, missed, held = [await desk.held() for _ in range(4)]
    await desk.deliver(cancel(desk.clinic, gone.appointment_id))
    await desk.lapse(over)
    await desk.put(missed, status="no_show", expires_at=None)
    strangers = await Desk(desk.database, uuid4()).held()
    asked = [
        (confirm(desk.clinic, gone.appointment_id), Code.CANCELLED),
        (confirm(desk.clinic, over.appointment_id), Code.EXPIRED),
        (confirm(desk.clinic, missed.appointment_id), Code.PAST),
        (confirm(desk.clinic, strangers.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (confirm(desk.clinic, held.appointment_id, **LATE), Code.TOO_LATE),
    ]
    said = await desk.deliver(*(command for command, _ in asked))
    assert said.codes == [code for _, code in asked] and said.types == []


async def test_confirm_cancel_and_confirm_of_one_batch_act_one_after_the_other_without_a_gap(desk: Desk) -> None:
    one, two, over = await desk.held(), await desk.held(), await desk.held()
    await desk.lapse(over)
    said = await desk.deliver(
        confirm(desk.clinic, one.appointment_id),
        cancel(desk.clinic, two.appointment_id),
        cancel(desk.clinic, one.appointment_id),
        confirm(desk.clinic, two.appointment_id),
        confirm(desk.clinic, over.appointment_id),
        cancel(desk.clinic, over.appointment_id),
    )
    assert [one.version for one in said.of(AppointmentConfirmed)] == [2]
    assert [one.version for one in said.of(AppointmentCancelled)] == [2, 3]
    assert said.codes == [None, Code.CANCELLED, Code.EXPIRED, Code.EXPIRED]
    await desk.sweep()
    rows = [await desk.row(slot) for slot in (one, two, over)]
    assert [(row["status"], row["version"]) for row in rows] == [("cancelled", 3), ("cancelled", 2), ("expired", 2)]


async def test_a_hold_and_its_confirmation_in_one_batch(desk: Desk) -> None:
    slot = reserved(desk.clinic, await desk.patient(), purpose=Purpose.HOLD)
    said = await desk.deliver(confirm(desk.clinic, slot.appointment_id), slot)
    assert said.types == ["AppointmentBooked", "AppointmentConfirmed"]
    assert (await desk.row(slot))["version"] == 2


async def test_a_patient_has_three_live_holds_at_most(desk: Desk) -> None:
    patient = await desk.patient()
    first = await desk.held(patient=patient, date=in_days(40))
    more = [reserved(desk.clinic, patient, purpose=Purpose.HOLD) for _ in range(4)]
    others = reserved(desk.clinic, await desk.patient(), purpose=Purpose.HOLD)
    said = await desk.deliver(*more, reserved(desk.clinic, patient), others)
    assert said.types == ["AppointmentBooked"] * 2 + ["AppointmentRefused"] * 2 + ["AppointmentBooked"] * 2
    assert {one.answer.code for one in said.of(AppointmentRefused)} == {Code.TOO_MANY_HOLDS}
    await desk.deliver(confirm(desk.clinic, first.appointment_id))
    await desk.lapse(more[0])
    said = await desk.deliver(*(reserved(desk.clinic, patient, purpose=Purpose.HOLD) for _ in range(2)))
    assert said.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked", "AppointmentBooked"]
    said = await desk.deliver(reserved(desk.clinic, patient, purpose=Purpose.HOLD))
    assert said.types == ["AppointmentRefused"], "one confirmed, one over: two were left, and two have come"


async def test_who_is_elsewhere_is_busy_before_it_holds_too_much(desk: Desk) -> None:
    patient = await desk.patient()
    for hour in range(3):
        await desk.held(patient=patient, date=NINE.date(), starts_at=NINE + hour * HOUR, ends_at=NINE + (hour + 1) * HOUR)
    said = await desk.deliver(reserved(desk.clinic, patient, purpose=Purpose.HOLD, **AT_NINE))
    assert [one.answer.code for one in said.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_hold_keeps_its_hour_until_it_is_over_and_not_a_moment_longer(desk: Desk) -> None:
    patient = await desk.patient()
    held = await desk.held(patient=patient, **AT_NINE)
    said = await desk.deliver(reserved(desk.clinic, patient, **AT_NINE))
    assert [one.answer.code for one in said.of(AppointmentRefused)] == [Code.PATIENT_BUSY]
    await desk.lapse(held)
    said = await desk.deliver(reserved(desk.clinic, patient, **AT_NINE))
    assert said.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]
    assert (await desk.row(held))["status"] == "expired"
    await desk.sweep()
    assert (await desk.row(held))["version"] == 2 and not await desk.has_timer(held)


async def test_a_hold_that_is_over_stands_in_no_moves_way(desk: Desk) -> None:
    patient = await desk.patient()
    held = await desk.held(patient=patient, **AT_NINE)
    moving = await desk.booked(patient=patient)
    assert (await desk.deliver(move_of(moving, **AT_NINE))).of(AppointmentRefused)[0].answer.code == Code.PATIENT_BUSY
    await desk.lapse(held)
    said = await desk.deliver(move_of(moving, **AT_NINE))
    assert said.types == ["AppointmentExpired", "SlotReleased", "AppointmentMoved", "SlotReleased"]


async def test_a_hold_that_is_over_is_not_moved_and_ends_where_it_is(desk: Desk) -> None:
    held = await desk.held(**AT_NINE)
    await desk.lapse(held)
    said = await desk.deliver(new := move_of(held, **AT_NINE))
    assert said.types == ["AppointmentExpired", "SlotReleased", "AppointmentRefused"]
    assert said.of(AppointmentRefused)[0].answer.code == Code.EXPIRED
    row = await desk.row(held)
    assert (row["status"], row["version"], row["reservation_id"]) == ("expired", 2, held.reservation_id)
    assert said.of(AppointmentRefused)[0].reservation_id == new.reservation_id


async def test_a_hold_that_is_over_is_no_booking_of_its_day(desk: Desk) -> None:
    await desk.settings(one_booking_per_patient_day=True)
    patient, doctor = await desk.patient(), uuid4()
    held = await desk.held(patient=patient, doctor_id=doctor)
    await desk.lapse(held)
    said = await desk.deliver(reserved(desk.clinic, patient, doctor_id=doctor))
    assert said.types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]


async def test_who_meets_a_hold_that_somebody_decides_about_begins_again(desk: Desk) -> None:
    patient = await desk.patient()
    held = await desk.held(patient=patient, **AT_NINE)
    await desk.lapse(held)
    again = reserved(desk.clinic, patient, **AT_NINE)
    async with desk.batch(confirm(desk.clinic, held.appointment_id)):
        with pytest.raises(Outrun):
            await desk.deliver(again)
    assert (await desk.deliver(again)).types == ["AppointmentExpired", "SlotReleased", "AppointmentBooked"]


async def test_what_was_decided_between_the_look_and_the_lock_is_taken_as_it_is(desk: Desk) -> None:
    """The rows were read before their locks: one is expired by now, one was confirmed in time, one cancelled."""
    slots = [await desk.held() for _ in range(3)]
    async with desk.units.batch({desk.clinic}) as unit:
        seen = await appointments.lock_unlocked(unit.connection, {(desk.clinic, slot.appointment_id) for slot in slots})
    await desk.lapse(slots[0])
    await desk.sweep()
    await desk.deliver(confirm(desk.clinic, slots[1].appointment_id), cancel(desk.clinic, slots[2].appointment_id))
    async with desk.units.batch({desk.clinic}) as unit:
        live = await without_overdue(unit.at(max(one.expires_at for one in seen if one.expires_at)), seen)
        assert unit.emitted == []
    assert [one.id for one in live] == [slots[1].appointment_id]


async def test_over_and_not_swept_it_reads_as_expired(client: AsyncClient, desk: Desk) -> None:
    patient = await desk.patient()
    over, held = await desk.held(patient=patient), await desk.held(patient=patient)
    await desk.lapse(over)
    read = (await client.get(f"/internal/appointments/{over.appointment_id}")).json()
    assert (read["status"], read["version"]) == ("expired", 1)
    listed = (await client.get("/internal/appointments", params={"patient_id": str(patient)})).json()["items"]
    states = {str(over.appointment_id): "expired", str(held.appointment_id): "pending"}
    assert {one["id"]: one["status"] for one in listed} == states
    asked = {"ids": list(states)}
    looked = (await client.post("/internal/appointments/look", json=asked)).json()["items"]
    assert {one["id"]: one["status"] for one in looked} == states


async def test_over_and_not_swept_it_is_listed_among_the_expired(client: AsyncClient, desk: Desk) -> None:
    over, swept, held, booked = await desk.held(), await desk.held(), await desk.held(), await desk.booked()
    await desk.lapse(swept)
    await desk.sweep()
    await desk.lapse(over)

    async def ids(status: str) -> set[str]:
        page = (await client.get("/internal/appointments", params={"status": status})).json()
        return {one["id"] for one in page["items"]}

    assert await ids("expired") == {str(over.appointment_id), str(swept.appointment_id)}
    assert await ids("pending") == {str(held.appointment_id)}
    assert await ids("booked") == {str(booked.appointment_id)}


async def test_over_and_not_swept_nothing_can_be_done_with_it(desk: Desk) -> None:
    over = await desk.held()
    await desk.lapse(over)
    said = await desk.deliver(
        check_in(desk.clinic, over.appointment_id, over.patient_id),
        confirm(desk.clinic, over.appointment_id),
        cancel(desk.clinic, over.appointment_id),
        revoked(over),
    )
    assert said.codes == [Code.EXPIRED] * 3 and said.types == []
    assert (await desk.row(over))["status"] == "pending", "the sweep is who writes it down"


async def test_a_held_place_is_not_checked_in_before_it_is_confirmed(desk: Desk) -> None:
    slot = await desk.held()
    said = await desk.deliver(check_in(desk.clinic, slot.appointment_id, slot.patient_id))
    assert said.codes == [Code.NOT_CONFIRMED]


async def test_a_cancelled_hold_frees_its_place_and_counts_no_more(desk: Desk) -> None:
    patient = await desk.patient()
    held = [await desk.held(patient=patient) for _ in range(3)]
    said = await desk.deliver(cancel(desk.clinic, held[0].appointment_id))
    assert said.types == ["AppointmentCancelled", "SlotReleased"]
    await desk.held(patient=patient)


async def test_a_survivors_hold_that_is_over_stands_in_no_merges_way(client: AsyncClient, desk: Desk) -> None:
    survivor, loser = await registered(client), await registered(client)
    over = await desk.held(patient=survivor, **AT_NINE)
    moving = await desk.booked(patient=loser, **AT_NINE)
    assert refusal(await merge(client, loser, survivor))[:2] == (409, "overlapping_appointments")
    await desk.lapse(over)
    await desk.heard()
    assert (await merge(client, loser, survivor)).status_code == 200
    assert [one["type"] for one in await desk.heard()][:3] == ["AppointmentExpired", "SlotReleased", "AppointmentReassigned"]
    assert [(await desk.row(slot))["status"] for slot in (over, moving)] == ["expired", "booked"]
    assert (await desk.row(moving))["patient_id"] == survivor


async def test_a_deleted_patients_hold_is_cancelled_and_one_that_is_over_expires(client: AsyncClient, desk: Desk) -> None:
    patient = await desk.patient()
    over, held = await desk.held(patient=patient), await desk.held(patient=patient)
    await desk.lapse(over)
    assert refusal(await delete(client, patient)) == (409, "has_appointments", {str(held.appointment_id)})
    assert (await delete(client, patient, cancelling=True)).status_code == 200
    assert [(await desk.row(slot))["status"] for slot in (over, held)] == ["expired", "cancelled"]


async def test_the_clinics_cut_off_stands_against_a_cancel(desk: Desk) -> None:
    await desk.settings(cancel_cutoff_minutes=60)
    now = dt.datetime.now(dt.UTC)
    soon = now + HOUR / 2
    near = await desk.booked(date=soon.date(), starts_at=soon, ends_at=soon + HOUR)
    far = await desk.booked(date=(now + 2 * HOUR).date(), starts_at=now + 2 * HOUR, ends_at=now + 3 * HOUR)
    tomorrow = await desk.booked(date=in_days(2))
    other = Desk(desk.database, uuid4())
    elsewhere = await other.booked(date=soon.date(), starts_at=soon, ends_at=soon + HOUR)
    said = await desk.deliver(
        *(cancel(one.clinic_id, one.appointment_id) for one in (near, far, tomorrow, elsewhere)),
    )
    assert said.codes == [Code.PAST_CUTOFF]
    states = [(await desk.row(slot))["status"] for slot in (near, far, tomorrow, elsewhere)]
    assert states == ["booked", "cancelled", "cancelled", "cancelled"]
