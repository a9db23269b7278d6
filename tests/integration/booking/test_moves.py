"""Moves on a real Postgres: the slot swapped in one update, what refuses it, and what each step emits."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.booking import AppointmentMoved, AppointmentRefused, PatientCheckedIn, Purpose, SlotReleased
from shared.contracts.problems import Code
from shared.infra.ids import new_id
from tests.integration.booking.booking import Booking
from tests.support.batches import BatchResult
from tests.support.booking_messages import LATE, cancel, check_in, freed, kept, move_of, questioned, refused, repeated, revoked
from tests.support.dates import in_days

pytestmark = pytest.mark.integration

AN_HOUR_ON = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def at(hour: float, day: dt.date | None = None) -> dict[str, Any]:
    """An hour of a day, tomorrow if none is named, from then on."""
    day = day or in_days(1)
    start = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)
    return {"date": day, "starts_at": start, "ends_at": start + dt.timedelta(hours=1)}


def codes(result: BatchResult) -> list[Code | None]:
    """Why places are given back."""
    return [one.answer.code for one in result.of(AppointmentRefused)]


# A move


async def test_a_moved_appointment_has_the_new_place_and_gives_the_old_one_back_with_the_answer(booking: Booking) -> None:
    old = await booking.booked(**at(9))
    new = move_of(old, doctor_id=uuid4(), slot_number=4, location_id=uuid4(), time_zone="Asia/Tokyo", **at(11))
    result = await booking.deliver(new)
    assert result.types == ["AppointmentMoved", "SlotReleased"] and result.answers == []
    (moved,), (release,) = result.of(AppointmentMoved), result.of(SlotReleased)
    assert (moved.key, moved.version, moved.reservation_id, moved.status) == (new.key, 2, new.reservation_id, "booked")
    assert (moved.from_doctor_id, moved.from_date) == (old.doctor_id, old.date)
    assert (release.key, release.slot_id, release.reservation_id) == (old.key, old.slot_id, old.reservation_id)
    assert release.reply_partition == new.reply_partition and release.command_id == new.command_id
    row = await booking.row(old)
    place = ("doctor_id", "date", "time_zone", "slot_id", "slot_number", "reservation_id", "location_id", "starts_at", "ends_at")
    assert {name: row[name] for name in place} == {name: getattr(new, name) for name in place}
    assert (row["id"], row["status"], row["version"], row["command_id"]) == (old.appointment_id, "booked", 2, old.command_id)
    outcome = await booking.outcome(new)
    assert outcome and outcome.settled_at is None and outcome.type == "RescheduleAppointment" and outcome.answer == release.answer
    assert outcome.answer.status_code == 200 and outcome.answer.result and outcome.answer.result["slot_id"] == str(new.slot_id)
    assert await booking.effects(old.appointment_id) == ["appointment_booked", "appointment_moved"]


async def test_a_move_is_settled_once_the_old_place_is_free(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    await booking.deliver(new)
    assert (await booking.deliver(repeated(new))).types == [], "nobody knows the old day any more: its gateway looks again"
    result = await booking.deliver(freed(old, new.command_id), repeated(new))
    assert [answer.status_code for answer in result.answers] == [200] and result.unit.replies[0].replayed
    outcome = await booking.outcome(new)
    assert outcome and outcome.settled_at


async def test_a_move_that_is_delivered_again_has_no_second_effect(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    result = await booking.deliver(new, new, new.model_copy(update={"message_id": new_id()}))
    assert result.types == ["AppointmentMoved", "SlotReleased"]
    assert (await booking.deliver(new.model_copy(update={"message_id": new_id()}))).types == []
    assert (await booking.row(old))["version"] == 2


async def test_the_old_reservation_is_nobody_s_any_more(booking: Booking) -> None:
    """What made it, or asks about it, comes again: it is given back, and the appointment stays where it is."""
    old = await booking.booked()
    new = move_of(old)
    result = await booking.deliver(new, questioned(old))
    assert result.types == ["AppointmentMoved", "SlotReleased", "SlotReleased"]
    for message in (questioned(old), old.model_copy(update={"message_id": new_id()})):
        (release,) = (await booking.deliver(message)).of(SlotReleased)
        assert release.reservation_id == old.reservation_id
    assert (await booking.row(old))["reservation_id"] == new.reservation_id


@pytest.mark.parametrize("between", ["doctors", "dates", "modes", "zones"])
async def test_an_appointment_moves_between(booking: Booking, between: str) -> None:
    old = await booking.booked(doctor_id=uuid4(), **at(9))
    place = {
        "doctors": {"doctor_id": uuid4(), **at(9)},
        "dates": {"doctor_id": old.doctor_id, **at(9, in_days(9))},
        "modes": {"doctor_id": old.doctor_id, "date": in_days(1)},
        "zones": {"doctor_id": old.doctor_id, "time_zone": "Pacific/Kiritimati", **at(9)},
    }[between]
    new = move_of(old, **place)
    assert (await booking.deliver(new)).types == ["AppointmentMoved", "SlotReleased"]
    back = move_of(old, doctor_id=old.doctor_id, slot_id=old.slot_id, **at(9))
    assert (await booking.deliver(back)).types == ["AppointmentMoved", "SlotReleased"]
    assert (await booking.row(old))["version"] == 3


async def test_a_hold_that_is_moved_keeps_its_end(booking: Booking) -> None:
    held = await booking.booked()
    await booking.put(held, status="pending", expires_at=AN_HOUR_ON)
    (moved,) = (await booking.deliver(move_of(held))).of(AppointmentMoved)
    row = await booking.row(held)
    assert moved.status == row["status"] == "pending" and row["expires_at"] == AN_HOUR_ON


async def test_a_place_on_the_same_hour_is_not_in_its_own_way_but_another_appointment_is(booking: Booking) -> None:
    old = await booking.booked(**at(9))
    other = await booking.booked(patient=old.patient_id, **at(12))
    result = await booking.deliver(move_of(old, **at(9.5)), move_of(old, **at(11.5)))
    assert result.types == ["AppointmentMoved", "SlotReleased", "AppointmentRefused"] and codes(result) == [Code.PATIENT_BUSY]
    await booking.deliver(cancel(booking.clinic, other.appointment_id))
    assert (await booking.deliver(move_of(old, **at(11.5)))).types == ["AppointmentMoved", "SlotReleased"]


async def test_one_booking_a_day_holds_for_moves_too(booking: Booking) -> None:
    await booking.settings(one_booking_per_patient_day=True)
    patient, doctor = await booking.patient(), uuid4()
    today = await booking.booked(patient=patient, doctor_id=doctor, date=in_days())
    tomorrow = await booking.booked(patient=patient, doctor_id=doctor, date=in_days(1))
    result = await booking.deliver(
        move_of(tomorrow, doctor_id=doctor, date=in_days()), move_of(today, doctor_id=doctor, date=in_days())
    )
    assert result.types == ["AppointmentRefused", "AppointmentMoved", "SlotReleased"] and codes(result) == [Code.PATIENT_BUSY]
    assert (await booking.row(today))["exclusive_day"] is True


# Refusals


async def test_what_stands_against_a_move_gives_the_new_place_back(booking: Booking) -> None:
    booked, here, gone, past, over = [
        await booking.booked(date=day) for day in (in_days(1), in_days(), in_days(), in_days(-1), in_days())
    ]
    await booking.deliver(
        check_in(booking.clinic, here.appointment_id, here.patient_id), cancel(booking.clinic, gone.appointment_id)
    )
    await booking.put(over, status="pending", expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    stranger = await Booking(booking.database, uuid4()).booked()
    asked = [
        (move_of(booked, **LATE), Code.TOO_LATE),
        (move_of(booked, patient=uuid4()), Code.UNKNOWN_PATIENT),
        (move_of(booked, patient=await booking.patient("deleted")), Code.UNKNOWN_PATIENT),
        (move_of(booked, patient=here.patient_id), Code.UNKNOWN_APPOINTMENT),
        (move_of(booked, appointment_id=uuid4()), Code.UNKNOWN_APPOINTMENT),
        (move_of(booked, appointment_id=stranger.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (move_of(here), Code.ALREADY_CHECKED_IN),
        (move_of(gone), Code.CANCELLED),
        (move_of(past), Code.PAST),
        (move_of(over), Code.EXPIRED),
    ]
    result = await booking.deliver(*(message for message, _ in asked))
    refusals = [one for one in result.of(AppointmentRefused) if one.command_id in {message.command_id for message, _ in asked}]
    assert [one.answer.code for one in refusals] == [code for _, code in asked]
    for (message, code), refusal in zip(asked, refusals, strict=True):
        assert (refusal.key, refusal.slot_id, refusal.reservation_id) == (message.key, message.slot_id, message.reservation_id)
        outcome = await booking.outcome(message)
        assert outcome and (outcome.settled_at, outcome.type, outcome.answer.code) == (None, "RescheduleAppointment", code)
    assert result.of(AppointmentMoved) == [] and result.answers == []
    assert (await booking.row(booked))["reservation_id"] == booked.reservation_id


async def test_a_refused_move_is_settled_and_its_repeat_passed_on_like_a_booking_s(booking: Booking) -> None:
    gone = await booking.booked()
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    new = move_of(gone)
    result = await booking.deliver(new, repeated(new))
    assert result.types == ["AppointmentRefused", "CommandRepeated"] and result.unit.emitted[1][1].key == new.key
    settled = await booking.deliver(freed(new, new.command_id), repeated(new))
    assert settled.codes == [Code.CANCELLED]


@pytest.mark.parametrize(("purpose", "code"), [(Purpose.MOVE, Code.PAST_CUTOFF), (Purpose.DISPLACE, None)])
async def test_the_cut_off_is_for_clients_not_for_the_clinic(booking: Booking, purpose: Purpose, code: Code | None) -> None:
    await booking.settings(cancel_cutoff_minutes=60 * 24 * 7)
    old = await booking.booked(**at(9))
    far = move_of(old, purpose=purpose, **at(9, in_days(30)))
    result = await booking.deliver(far)
    assert codes(result) == ([code] if code else []) and len(result.of(AppointmentMoved)) == (0 if code else 1)


async def test_a_displaced_appointment_s_patient_may_be_busy_then(booking: Booking) -> None:
    old = await booking.booked(**at(9))
    other = await booking.booked(patient=old.patient_id, **at(12))
    assert codes(await booking.deliver(move_of(old, purpose=Purpose.DISPLACE, **at(12)))) == [Code.PATIENT_BUSY]
    assert (await booking.row(other))["version"] == (await booking.row(old))["version"] == 1


@pytest.mark.parametrize("together", [True, False])
async def test_who_was_moved_elsewhere_meanwhile_is_not_displaced(booking: Booking, together: bool) -> None:
    """The patient chose another place while the displacement was on its way: that choice stays."""
    old = await booking.booked(**at(9))
    chosen = move_of(old, **at(11))
    displacing = move_of(old, purpose=Purpose.DISPLACE, instead_of=old.reservation_id, **at(15))
    for batch in [[chosen, displacing]] if together else [[chosen], [displacing]]:
        result = await booking.deliver(*batch)
    assert codes(result) == [Code.STALE]
    assert (await booking.row(old))["reservation_id"] == chosen.reservation_id
    back = move_of(old, purpose=Purpose.DISPLACE, instead_of=chosen.reservation_id, **at(15))
    assert (await booking.deliver(back)).types == ["AppointmentMoved", "SlotReleased"]


async def test_what_availability_refuses_is_stored_unless_the_appointment_is_worse(booking: Booking) -> None:
    booked, gone = await booking.booked(), await booking.booked()
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))

    def refusal(of: SlotReserved, code: Code, **fields: Any) -> BookingRefused:
        ours = {"purpose": Purpose.MOVE, "appointment_id": of.appointment_id}
        return refused(booking.clinic, fields.pop("patient", of.patient_id), code, **{**ours, **fields})

    asked = [
        (refusal(booked, Code.SLOT_TAKEN), Code.SLOT_TAKEN),
        (refusal(gone, Code.SLOT_TAKEN), Code.CANCELLED),
        (refusal(gone, Code.NO_SUCH_SLOT), Code.NO_SUCH_SLOT),
        (refusal(booked, Code.NO_SUCH_SLOT, appointment_id=uuid4()), Code.UNKNOWN_APPOINTMENT),
        (refusal(booked, Code.FULL, patient=uuid4()), Code.UNKNOWN_PATIENT),
        (refusal(booked, Code.UNKNOWN_DOCTOR, appointment_id=uuid4()), Code.UNKNOWN_DOCTOR),
    ]
    result = await booking.deliver(*(message for message, _ in asked))
    assert result.codes == [code for _, code in asked] and result.types == []
    for message, code in asked:
        outcome = await booking.outcome(message)
        assert outcome and outcome.settled_at and (outcome.type, outcome.answer.code) == ("RescheduleAppointment", code)


# The same place


async def test_who_has_the_asked_place_is_answered_with_it_and_nothing_changes(booking: Booking) -> None:
    slot = await booking.booked()
    message = kept(slot)
    result = await booking.deliver(message)
    assert result.types == [] and [answer.status_code for answer in result.answers] == [200]
    assert result.answers[0].result and result.answers[0].result["version"] == (await booking.row(slot))["version"] == 1
    outcome = await booking.outcome(message)
    assert outcome and outcome.settled_at and outcome.type == "RescheduleAppointment"
    assert (await booking.deliver(repeated(message))).answers == result.answers
    assert await booking.effects(slot.appointment_id) == ["appointment_booked"]


async def test_a_place_that_was_left_meanwhile_is_taken(booking: Booking) -> None:
    slot = await booking.booked()
    result = await booking.deliver(move_of(slot), kept(slot))
    assert result.types == ["AppointmentMoved", "SlotReleased"] and result.codes == [Code.SLOT_TAKEN]


async def test_a_kept_place_is_judged_as_a_move(booking: Booking) -> None:
    booked, gone = await booking.booked(), await booking.booked()
    await booking.deliver(cancel(booking.clinic, gone.appointment_id))
    asked = [kept(gone), kept(booked, patient_id=uuid4()), kept(booked, appointment_id=uuid4()), kept(booked, **LATE)]
    assert (await booking.deliver(*asked)).codes == [
        Code.CANCELLED, Code.UNKNOWN_PATIENT, Code.UNKNOWN_APPOINTMENT, Code.TOO_LATE,
    ]  # fmt: skip


# Questions, failures, revoked slots


async def test_a_question_about_a_move_s_reservation_is_kept_if_the_appointment_has_it(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    await booking.deliver(new)
    assert (await booking.deliver(questioned(new))).types == ["ReservationKept"]


async def test_a_move_that_never_arrived_is_lost_and_the_appointment_stays(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    (release,) = (await booking.deliver(questioned(new))).of(SlotReleased)
    assert release.answer and release.answer.code == Code.LOST and release.reservation_id == new.reservation_id
    outcome = await booking.outcome(new)
    assert outcome and (outcome.type, outcome.settled_at) == ("RescheduleAppointment", None)
    (late,) = (await booking.deliver(new)).of(SlotReleased)
    assert late.reservation_id == new.reservation_id, "what comes after that is given back"
    assert (await booking.row(old))["reservation_id"] == old.reservation_id


async def test_a_revoked_slot_that_was_left_meanwhile_cancels_nothing(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    assert (await booking.deliver(revoked(old), new)).types == ["AppointmentMoved", "SlotReleased"]
    assert (await booking.deliver(revoked(old))).types == []
    assert (await booking.deliver(revoked(new))).types == ["AppointmentCancelled", "SlotReleased"]
    assert (await booking.row(old))["version"] == 3


# Behind a move


async def test_a_check_in_on_the_day_after_a_move_is_in_the_new_day_s_queue(booking: Booking) -> None:
    tomorrow = await booking.booked(date=in_days(1))
    today = move_of(tomorrow, date=in_days())
    command = check_in(booking.clinic, tomorrow.appointment_id, tomorrow.patient_id)
    result = await booking.deliver(command, today)
    (arrival,) = result.of(PatientCheckedIn)
    assert result.types == ["AppointmentMoved", "SlotReleased", "PatientCheckedIn"]
    assert (arrival.key, arrival.version) == (today.key, 3)


async def test_a_cancel_in_the_batch_of_a_move_gives_the_new_place_back(booking: Booking) -> None:
    old = await booking.booked()
    new = move_of(old)
    result = await booking.deliver(cancel(booking.clinic, old.appointment_id), new)
    assert result.types == ["AppointmentMoved", "SlotReleased", "AppointmentCancelled", "SlotReleased"]
    assert [one.reservation_id for one in result.of(SlotReleased)] == [old.reservation_id, new.reservation_id]
    assert [one.command_id == new.command_id for one in result.of(SlotReleased)] == [True, False]
    row = await booking.row(old)
    assert (row["status"], row["version"], row["reservation_id"]) == ("cancelled", 3, new.reservation_id)
