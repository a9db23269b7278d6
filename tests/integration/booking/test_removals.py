"""Deleting patients and revoked slots on a real Postgres: what is cancelled, what stands against it, and what is emitted."""

import datetime as dt
from uuid import uuid4

import pytest
from httpx2 import AsyncClient

from shared.contracts.booking import AppointmentRefused, SlotReleased
from tests.integration.booking.booking import Booking
from tests.integration.booking.calls import delete, refusal
from tests.support.booking_messages import cancel, check_in, reserved, revoked
from tests.support.dates import in_days

pytestmark = pytest.mark.integration

LONG_AGO = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
AN_HOUR_ON = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


# Deleting a patient


async def test_a_patient_without_appointments_is_deleted_once(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    for _ in range(2):
        answer = await delete(client, patient)
        assert (answer.status_code, answer.json()) == (200, {"id": str(patient), "appointments_left": 0})
    (emitted,) = await booking.published()
    assert (emitted["type"], emitted["patient_id"], emitted["status"], emitted["version"]) == (
        "PatientChanged",
        str(patient),
        "deleted",
        2,
    )
    assert emitted["actor"] == "desk" and not {"command_id", "causation_id"} & emitted.keys()
    assert await booking.effects(patient) == ["patient_deleted"]
    row = await booking.patient_row(patient)
    assert (row["status"], row["version"], row["merged_into"]) == ("deleted", 2, None) and row["updated_at"] > row["created_at"]


async def test_nobody_books_for_a_deleted_patient(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    await delete(client, patient)
    result = await booking.deliver(reserved(booking.clinic, patient))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == ["unknown_patient"]


async def test_live_appointments_stand_against_it_and_are_named(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    today, later = [await booking.booked(patient=patient, date=date) for date in (in_days(), in_days(1))]
    gone = await booking.booked(patient=patient)
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    await booking.published()
    answer = await delete(client, patient)
    assert refusal(answer) == (409, "has_appointments", {str(today.appointment_id), str(later.appointment_id)})
    assert (await booking.patient_row(patient))["status"] == "active" and await booking.published() == []


async def test_with_the_flag_they_are_cancelled_and_their_places_given_back(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    slots = {str((slot := await booking.booked(patient=patient)).appointment_id): slot for _ in range(3)}
    await booking.published()
    assert (await delete(client, patient, cancelling=True)).json() == {"id": str(patient), "appointments_left": 0}
    emitted = await booking.published()
    assert sorted(one["type"] for one in emitted) == ["AppointmentCancelled"] * 3 + ["PatientChanged"] + ["SlotReleased"] * 3
    for cancelled in (one for one in emitted if one["type"] == "AppointmentCancelled"):
        assert (cancelled["version"], cancelled["reason"], cancelled["patient_id"]) == (2, "clinic", str(patient))
        assert "reply_partition" not in cancelled
    released = {one["appointment_id"]: one for one in emitted if one["type"] == "SlotReleased"}
    for id_, slot in slots.items():
        place = (released[id_]["slot_id"], released[id_]["reservation_id"], released[id_].get("answer"))
        assert place == (str(slot.slot_id), str(slot.reservation_id), None)
        row = await booking.row(slot)
        assert (row["status"], row["version"], row["cancel_reason"]) == ("cancelled", 2, "clinic")
        assert await booking.effects(slot.appointment_id) == ["appointment_booked", "appointment_cancelled"]


async def test_who_is_checked_in_is_not_deleted_and_nothing_is_cancelled(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    here, later = await booking.booked(patient=patient), await booking.booked(patient=patient, date=in_days(1))
    await booking.deliver(check_in(booking.clinic, here.appointment_id, patient))
    assert refusal(await delete(client, patient, cancelling=True)) == (409, "checked_in", {str(here.appointment_id)})
    assert (await booking.row(later))["status"] == "booked" and (await booking.patient_row(patient))["status"] == "active"


async def test_what_is_past_or_a_hold_that_is_over_does_not_count(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    past, dead = await booking.booked(patient=patient, date=in_days(-1)), await booking.booked(patient=patient)
    await booking.put(dead, status="pending", expires_at=LONG_AGO)
    assert (await delete(client, patient)).status_code == 200
    assert (await booking.row(past))["version"] == 1, "left as it is"
    assert await booking.effects(dead.appointment_id) == ["appointment_booked", "appointment_expired"]
    assert [one["type"] for one in await booking.published()][-3:] == ["AppointmentExpired", "SlotReleased", "PatientChanged"]


async def test_a_hold_that_is_not_over_counts_and_is_cancelled(client: AsyncClient, booking: Booking) -> None:
    held = await booking.booked()
    await booking.put(held, status="pending", expires_at=AN_HOUR_ON)
    assert refusal(await delete(client, held.patient_id)) == (409, "has_appointments", {str(held.appointment_id)})
    assert (await delete(client, held.patient_id, cancelling=True)).status_code == 200
    assert (await booking.row(held))["status"] == "cancelled"


async def test_today_is_that_of_the_appointment_s_zone(client: AsyncClient, booking: Booking) -> None:
    """Kiritimati is a day ahead of Niue at any hour: the same date is past in the one and not yet in the other."""
    east = dt.datetime.now(dt.UTC).astimezone(dt.timezone(dt.timedelta(hours=14))).date()
    over = await booking.booked(date=east - dt.timedelta(days=1), time_zone="Pacific/Kiritimati")
    to_come = await booking.booked(date=east - dt.timedelta(days=1), time_zone="Pacific/Niue")
    assert (await delete(client, over.patient_id)).status_code == 200
    assert refusal(await delete(client, to_come.patient_id))[1] == "has_appointments"


async def test_a_stale_if_match_deletes_nothing_and_a_repeat_is_not_stale(client: AsyncClient, booking: Booking) -> None:
    patient = await booking.patient()
    assert refusal(await delete(client, patient, if_match='"v2"'))[:2] == (412, "stale")
    assert [(await delete(client, patient, if_match='"v1"')).status_code for _ in range(2)] == [200, 200]


async def test_unknown_patients_and_those_of_other_clinics_are_not_found(client: AsyncClient, booking: Booking) -> None:
    stranger = await booking.patient(clinic=uuid4())
    for patient in (uuid4(), stranger):
        assert refusal(await delete(client, patient, cancelling=True))[:2] == (404, "unknown_patient")


# Revoked slots


async def test_what_holds_a_revoked_slot_is_cancelled_once(booking: Booking) -> None:
    slot, other = await booking.booked(), await booking.booked()
    message = revoked(slot)
    result = await booking.deliver(message, message)
    assert result.types == ["AppointmentCancelled", "SlotReleased"]
    (release,) = result.of(SlotReleased)
    assert (release.reservation_id, release.causation_id, release.key) == (slot.reservation_id, message.message_id, slot.key)
    row = await booking.row(slot)
    assert (row["status"], row["version"], row["cancel_reason"]) == ("cancelled", 2, "clinic")
    assert (await booking.row(other))["status"] == "booked"
    assert (await booking.deliver(message, revoked(slot))).types == [], "redelivered, and emitted again under another id"
    assert await booking.effects(slot.appointment_id) == ["appointment_booked", "appointment_cancelled"]


async def test_a_slot_that_is_reserved_and_revoked_in_one_batch_is_booked_and_cancelled(booking: Booking) -> None:
    slot = reserved(booking.clinic, await booking.patient())
    result = await booking.deliver(slot, revoked(slot))
    assert result.types == ["AppointmentBooked", "AppointmentCancelled", "SlotReleased"]
    assert [answer.status_code for answer in result.answers] == [201]
    assert ((await booking.row(slot))["status"], (await booking.row(slot))["version"]) == ("cancelled", 2)


async def test_a_cancellation_in_the_same_batch_is_not_cancelled_again(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(revoked(slot), cancel(booking.clinic, slot.appointment_id))
    assert result.types == ["AppointmentCancelled", "SlotReleased"]
    assert result.of(SlotReleased)[0].answer, "the client's own cancellation is answered"


async def test_who_has_checked_in_stays_also_in_the_same_batch(booking: Booking) -> None:
    before, now = await booking.booked(), await booking.booked()
    await booking.deliver(check_in(booking.clinic, before.appointment_id, before.patient_id))
    result = await booking.deliver(revoked(before), revoked(now), check_in(booking.clinic, now.appointment_id, now.patient_id))
    assert result.types == ["PatientCheckedIn"]
    assert [(await booking.row(slot))["status"] for slot in (before, now)] == ["checked_in"] * 2


async def test_an_appointment_that_moved_to_another_reservation_stays(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.put(slot, reservation_id=uuid4())
    assert (await booking.deliver(revoked(slot))).types == []
    assert (await booking.row(slot))["status"] == "booked"


async def test_of_two_reservations_of_one_appointment_the_one_that_it_holds_counts(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(revoked(slot), revoked(slot, reservation_id=uuid4(), slot_id=uuid4()))
    assert result.types == ["AppointmentCancelled", "SlotReleased"]


async def test_a_held_slot_that_is_revoked_is_cancelled(booking: Booking) -> None:
    slot = await booking.booked()
    await booking.put(slot, status="pending", expires_at=AN_HOUR_ON)
    assert (await booking.deliver(revoked(slot))).types == ["AppointmentCancelled", "SlotReleased"]


async def test_a_reservation_that_booking_never_saw_or_another_clinic_s_is_left_alone(booking: Booking) -> None:
    theirs = await Booking(booking.database, uuid4()).booked()
    foreign = revoked(theirs, clinic_id=booking.clinic)
    unseen = revoked(reserved(booking.clinic, await booking.patient()))
    assert (await booking.deliver(unseen, foreign)).types == []
    assert (await booking.row(theirs))["status"] == "booked"
