"""Moves on a real Postgres: the place swapped in one update, what refuses it, and what each step says to whom."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.booking import AppointmentMoved, AppointmentRefused, PatientCheckedIn, Purpose, SlotReleased
from shared.contracts.problems import Code
from shared.infra.ids import new_id
from tests.integration.booking.desk import Desk, Said
from tests.support.dates import in_days
from tests.unit.booking.messages import LATE, cancel, check_in, freed, kept, move_of, questioned, refused, repeated, revoked

pytestmark = pytest.mark.integration

AN_HOUR_ON = dt.datetime.now(dt.UTC) + dt.timedelta(hours=1)


def at(hour: float, day: dt.date | None = None) -> dict[str, Any]:
    """An hour of a day, tomorrow if none is named, from then on."""
    day = day or in_days(1)
    start = dt.datetime.combine(day, dt.time(), dt.UTC) + dt.timedelta(hours=hour)
    return {"date": day, "starts_at": start, "ends_at": start + dt.timedelta(hours=1)}


def codes(said: Said) -> list[Code | None]:
    """Why places are given back."""
    return [one.answer.code for one in said.of(AppointmentRefused)]


# A move


async def test_a_moved_appointment_has_the_new_place_and_gives_the_old_one_back_with_the_answer(desk: Desk) -> None:
    old = await desk.booked(**at(9))
    new = move_of(old, doctor_id=uuid4(), slot_number=4, location_id=uuid4(), time_zone="Asia/Tokyo", **at(11))
    said = await desk.deliver(new)
    assert said.types == ["AppointmentMoved", "SlotReleased"] and said.answers == []
    (moved,), (release,) = said.of(AppointmentMoved), said.of(SlotReleased)
    assert (moved.key, moved.version, moved.reservation_id, moved.status) == (new.key, 2, new.reservation_id, "booked")
    assert (moved.from_doctor_id, moved.from_date) == (old.doctor_id, old.date)
    assert (release.key, release.slot_id, release.reservation_id) == (old.key, old.slot_id, old.reservation_id)
    assert release.reply_partition == new.reply_partition and release.command_id == new.command_id
    row = await desk.row(old)
    place = ("doctor_id", "date", "time_zone", "slot_id", "slot_number", "reservation_id", "location_id", "starts_at", "ends_at")
    assert {name: row[name] for name in place} == {name: getattr(new, name) for name in place}
    assert (row["id"], row["status"], row["version"], row["command_id"]) == (old.appointment_id, "booked", 2, old.command_id)
    outcome = await desk.outcome(new)
    assert outcome and outcome.settled_at is None and outcome.type == "RescheduleAppointment" and outcome.answer == release.answer
    assert outcome.answer.status_code == 200 and outcome.answer.result and outcome.answer.result["slot_id"] == str(new.slot_id)
    assert await desk.effects(old.appointment_id) == ["appointment_booked", "appointment_moved"]


async def test_a_move_is_settled_once_the_old_place_is_free(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    await desk.deliver(new)
    assert (await desk.deliver(repeated(new))).types == [], "nobody knows the old day any more: its gateway looks again"
    said = await desk.deliver(freed(old, new.command_id), repeated(new))
    assert [answer.status_code for answer in said.answers] == [200] and said.unit.replies[0].replayed
    outcome = await desk.outcome(new)
    assert outcome and outcome.settled_at


async def test_a_move_that_is_delivered_again_has_no_second_effect(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    said = await desk.deliver(new, new, new.model_copy(update={"message_id": new_id()}))
    assert said.types == ["AppointmentMoved", "SlotReleased"]
    assert (await desk.deliver(new.model_copy(update={"message_id": new_id()}))).types == []
    assert (await desk.row(old))["version"] == 2


async def test_the_old_reservation_is_nobody_s_any_more(desk: Desk) -> None:
    """What made it, or asks about it, comes again: it is given back, and the appointment stays where it is."""
    old = await desk.booked()
    new = move_of(old)
    said = await desk.deliver(new, questioned(old))
    assert said.types == ["AppointmentMoved", "SlotReleased", "SlotReleased"]
    for message in (questioned(old), old.model_copy(update={"message_id": new_id()})):
        (release,) = (await desk.deliver(message)).of(SlotReleased)
        assert release.reservation_id == old.reservation_id
    assert (await desk.row(old))["reservation_id"] == new.reservation_id


@pytest.mark.parametrize("between", ["doctors", "dates", "modes", "zones"])
async def test_an_appointment_moves_between(desk: Desk, between: str) -> None:
    old = await desk.booked(doctor_id=uuid4(), **at(9))
    place = {
        "doctors": {"doctor_id": uuid4(), **at(9)},
        "dates": {"doctor_id": old.doctor_id, **at(9, in_days(9))},
        "modes": {"doctor_id": old.doctor_id, "date": in_days(1)},
        "zones": {"doctor_id": old.doctor_id, "time_zone": "Pacific/Kiritimati", **at(9)},
    }[between]
    new = move_of(old, **place)
    assert (await desk.deliver(new)).types == ["AppointmentMoved", "SlotReleased"]
    back = move_of(old, doctor_id=old.doctor_id, slot_id=old.slot_id, **at(9))
    assert (await desk.deliver(back)).types == ["AppointmentMoved", "SlotReleased"]
    assert (await desk.row(old))["version"] == 3


async def test_a_hold_that_is_moved_keeps_its_end(desk: Desk) -> None:
    held = await desk.booked()
    await desk.put(held, status="pending", expires_at=AN_HOUR_ON)
    (moved,) = (await desk.deliver(move_of(held))).of(AppointmentMoved)
    row = await desk.row(held)
    assert moved.status == row["status"] == "pending" and row["expires_at"] == AN_HOUR_ON


async def test_a_place_on_the_same_hour_is_not_in_its_own_way_but_another_appointment_is(desk: Desk) -> None:
    old = await desk.booked(**at(9))
    other = await desk.booked(patient=old.patient_id, **at(12))
    said = await desk.deliver(move_of(old, **at(9.5)), move_of(old, **at(11.5)))
    assert said.types == ["AppointmentMoved", "SlotReleased", "AppointmentRefused"] and codes(said) == [Code.PATIENT_BUSY]
    await desk.deliver(cancel(desk.clinic, other.appointment_id))
    assert (await desk.deliver(move_of(old, **at(11.5)))).types == ["AppointmentMoved", "SlotReleased"]


async def test_one_booking_a_day_holds_for_moves_too(desk: Desk) -> None:
    await desk.settings(one_booking_per_patient_day=True)
    patient, doctor = await desk.patient(), uuid4()
    today = await desk.booked(patient=patient, doctor_id=doctor, date=in_days())
    tomorrow = await desk.booked(patient=patient, doctor_id=doctor, date=in_days(1))
    said = await desk.deliver(
        move_of(tomorrow, doctor_id=doctor, date=in_days()), move_of(today, doctor_id=doctor, date=in_days())
    )
    assert said.types == ["AppointmentRefused", "AppointmentMoved", "SlotReleased"] and codes(said) == [Code.PATIENT_BUSY]
    assert (await desk.row(today))["exclusive_day"] is True


# Refusals


async def test_what_stands_against_a_move_gives_the_new_place_back(desk: Desk) -> None:
    booked, here, gone, past, over = [
        await desk.booked(date=day) for day in (in_days(1), in_days(), in_days(), in_days(-1), in_days())
    ]
    await desk.deliver(check_in(desk.clinic, here.appointment_id, here.patient_id), cancel(desk.clinic, gone.appointment_id))
    await desk.put(over, status="pending", expires_at=dt.datetime(2026, 1, 1, tzinfo=dt.UTC))
    stranger = await Desk(desk.database, uuid4()).booked()
    asked = [
        (move_of(booked, **LATE), Code.TOO_LATE),
        (move_of(booked, patient=uuid4()), Code.UNKNOWN_PATIENT),
        (move_of(booked, patient=await desk.patient("deleted")), Code.UNKNOWN_PATIENT),
        (move_of(booked, patient=here.patient_id), Code.UNKNOWN_APPOINTMENT),
        (move_of(booked, appointment_id=uuid4()), Code.UNKNOWN_APPOINTMENT),
        (move_of(booked, appointment_id=stranger.appointment_id), Code.UNKNOWN_APPOINTMENT),
        (move_of(here), Code.ALREADY_CHECKED_IN),
        (move_of(gone), Code.CANCELLED),
        (move_of(past), Code.PAST),
        (move_of(over), Code.EXPIRED),
    ]
    said = await desk.deliver(*(message for message, _ in asked))
    refusals = [one for one in said.of(AppointmentRefused) if one.command_id in {message.command_id for message, _ in asked}]
    assert [one.answer.code for one in refusals] == [code for _, code in asked]
    for (message, code), refusal in zip(asked, refusals, strict=True):
        assert (refusal.key, refusal.slot_id, refusal.reservation_id) == (message.key, message.slot_id, message.reservation_id)
        outcome = await desk.outcome(message)
        assert outcome and (outcome.settled_at, outcome.type, outcome.answer.code) == (None, "RescheduleAppointment", code)
    assert said.of(AppointmentMoved) == [] and said.answers == []
    assert (await desk.row(booked))["reservation_id"] == booked.reservation_id


async def test_a_refused_move_is_settled_and_its_repeat_passed_on_like_a_booking_s(desk: Desk) -> None:
    gone = await desk.booked()
    await desk.deliver(cancel(desk.clinic, gone.appointment_id))
    new = move_of(gone)
    said = await desk.deliver(new, repeated(new))
    assert said.types == ["AppointmentRefused", "CommandRepeated"] and said.unit.emitted[1][1].key == new.key
    settled = await desk.deliver(freed(new, new.command_id), repeated(new))
    assert settled.codes == [Code.CANCELLED]


@pytest.mark.parametrize(("purpose", "code"), [(Purpose.MOVE, Code.PAST_CUTOFF), (Purpose.DISPLACE, None)])
async def test_the_cut_off_is_for_clients_not_for_the_clinic(desk: Desk, purpose: Purpose, code: Code | None) -> None:
    await desk.settings(cancel_cutoff_minutes=60 * 24 * 7)
    old = await desk.booked(**at(9))
    far = move_of(old, purpose=purpose, **at(9, in_days(30)))
    said = await desk.deliver(far)
    assert codes(said) == ([code] if code else []) and len(said.of(AppointmentMoved)) == (0 if code else 1)


async def test_a_displaced_appointment_s_patient_may_be_busy_then(desk: Desk) -> None:
    old = await desk.booked(**at(9))
    other = await desk.booked(patient=old.patient_id, **at(12))
    assert codes(await desk.deliver(move_of(old, purpose=Purpose.DISPLACE, **at(12)))) == [Code.PATIENT_BUSY]
    assert (await desk.row(other))["version"] == (await desk.row(old))["version"] == 1


@pytest.mark.parametrize("together", [True, False])
async def test_who_was_moved_elsewhere_meanwhile_is_not_displaced(desk: Desk, together: bool) -> None:
    """The patient chose another place while the displacement was on its way: that choice stays."""
    old = await desk.booked(**at(9))
    chosen = move_of(old, **at(11))
    displacing = move_of(old, purpose=Purpose.DISPLACE, instead_of=old.reservation_id, **at(15))
    for batch in [[chosen, displacing]] if together else [[chosen], [displacing]]:
        said = await desk.deliver(*batch)
    assert codes(said) == [Code.STALE]
    assert (await desk.row(old))["reservation_id"] == chosen.reservation_id
    back = move_of(old, purpose=Purpose.DISPLACE, instead_of=chosen.reservation_id, **at(15))
    assert (await desk.deliver(back)).types == ["AppointmentMoved", "SlotReleased"]


async def test_what_availability_refuses_is_stored_unless_the_appointment_is_worse(desk: Desk) -> None:
    booked, gone = await desk.booked(), await desk.booked()
    await desk.deliver(cancel(desk.clinic, gone.appointment_id))

    def refusal(of: SlotReserved, code: Code, **fields: Any) -> BookingRefused:
        ours = {"purpose": Purpose.MOVE, "appointment_id": of.appointment_id}
        return refused(desk.clinic, fields.pop("patient", of.patient_id), code, **{**ours, **fields})

    asked = [
        (refusal(booked, Code.SLOT_TAKEN), Code.SLOT_TAKEN),
        (refusal(gone, Code.SLOT_TAKEN), Code.CANCELLED),
        (refusal(gone, Code.NO_SUCH_SLOT), Code.NO_SUCH_SLOT),
        (refusal(booked, Code.NO_SUCH_SLOT, appointment_id=uuid4()), Code.UNKNOWN_APPOINTMENT),
        (refusal(booked, Code.FULL, patient=uuid4()), Code.UNKNOWN_PATIENT),
        (refusal(booked, Code.UNKNOWN_DOCTOR, appointment_id=uuid4()), Code.UNKNOWN_DOCTOR),
    ]
    said = await desk.deliver(*(message for message, _ in asked))
    assert said.codes == [code for _, code in asked] and said.types == []
    for message, code in asked:
        outcome = await desk.outcome(message)
        assert outcome and outcome.settled_at and (outcome.type, outcome.answer.code) == ("RescheduleAppointment", code)


# The same place


async def test_who_has_the_asked_place_is_answered_with_it_and_nothing_changes(desk: Desk) -> None:
    slot = await desk.booked()
    message = kept(slot)
    said = await desk.deliver(message)
    assert said.types == [] and [answer.status_code for answer in said.answers] == [200]
    assert said.answers[0].result and said.answers[0].result["version"] == (await desk.row(slot))["version"] == 1
    outcome = await desk.outcome(message)
    assert outcome and outcome.settled_at and outcome.type == "RescheduleAppointment"
    assert (await desk.deliver(repeated(message))).answers == said.answers
    assert await desk.effects(slot.appointment_id) == ["appointment_booked"]


async def test_a_place_that_was_left_meanwhile_is_taken(desk: Desk) -> None:
    slot = await desk.booked()
    said = await desk.deliver(move_of(slot), kept(slot))
    assert said.types == ["AppointmentMoved", "SlotReleased"] and said.codes == [Code.SLOT_TAKEN]


async def test_a_kept_place_is_judged_as_a_move(desk: Desk) -> None:
    booked, gone = await desk.booked(), await desk.booked()
    await desk.deliver(cancel(desk.clinic, gone.appointment_id))
    asked = [kept(gone), kept(booked, patient_id=uuid4()), kept(booked, appointment_id=uuid4()), kept(booked, **LATE)]
    assert (await desk.deliver(*asked)).codes == [
        Code.CANCELLED, Code.UNKNOWN_PATIENT, Code.UNKNOWN_APPOINTMENT, Code.TOO_LATE,
    ]  # fmt: skip


# Questions, failures, revoked slots


async def test_a_question_about_a_move_s_reservation_is_kept_if_the_appointment_has_it(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    await desk.deliver(new)
    assert (await desk.deliver(questioned(new))).types == ["ReservationKept"]


async def test_a_move_that_never_arrived_is_lost_and_the_appointment_stays(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    (release,) = (await desk.deliver(questioned(new))).of(SlotReleased)
    assert release.answer and release.answer.code == Code.LOST and release.reservation_id == new.reservation_id
    outcome = await desk.outcome(new)
    assert outcome and (outcome.type, outcome.settled_at) == ("RescheduleAppointment", None)
    (late,) = (await desk.deliver(new)).of(SlotReleased)
    assert late.reservation_id == new.reservation_id, "what comes after that is given back"
    assert (await desk.row(old))["reservation_id"] == old.reservation_id


async def test_a_revoked_slot_that_was_left_meanwhile_cancels_nothing(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    assert (await desk.deliver(revoked(old), new)).types == ["AppointmentMoved", "SlotReleased"]
    assert (await desk.deliver(revoked(old))).types == []
    assert (await desk.deliver(revoked(new))).types == ["AppointmentCancelled", "SlotReleased"]
    assert (await desk.row(old))["version"] == 3


# Behind a move


async def test_a_check_in_on_the_day_after_a_move_is_in_the_new_day_s_queue(desk: Desk) -> None:
    tomorrow = await desk.booked(date=in_days(1))
    today = move_of(tomorrow, date=in_days())
    command = check_in(desk.clinic, tomorrow.appointment_id, tomorrow.patient_id)
    said = await desk.deliver(command, today)
    (arrival,) = said.of(PatientCheckedIn)
    assert said.types == ["AppointmentMoved", "SlotReleased", "PatientCheckedIn"]
    assert (arrival.key, arrival.version) == (today.key, 3)


async def test_a_cancel_in_the_batch_of_a_move_gives_the_new_place_back(desk: Desk) -> None:
    old = await desk.booked()
    new = move_of(old)
    said = await desk.deliver(cancel(desk.clinic, old.appointment_id), new)
    assert said.types == ["AppointmentMoved", "SlotReleased", "AppointmentCancelled", "SlotReleased"]
    assert [one.reservation_id for one in said.of(SlotReleased)] == [old.reservation_id, new.reservation_id]
    assert [one.command_id == new.command_id for one in said.of(SlotReleased)] == [True, False]
    row = await desk.row(old)
    assert (row["status"], row["version"], row["reservation_id"]) == ("cancelled", 3, new.reservation_id)
