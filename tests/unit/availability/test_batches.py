"""Commands of a batch: which refusal wins, which days come into being."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.availability.domain.batches import BatchSnapshot, command_refusal, days_to_make
from services.availability.domain.days import BookableDoctor, DayKey, DoctorKey
from services.availability.domain.slots import NamedSlot, Reservation, Slot
from shared.contracts.clinics import ClinicSettings
from shared.contracts.problems import Code
from tests.unit.availability.commands import CLINIC, DOCTOR, NOW, OPEN, TODAY, booking, move, snapshot


def test_a_booking_of_an_open_day_is_not_refused() -> None:
    assert command_refusal(booking(), snapshot()) is None


def test_the_deadline_itself_is_in_time() -> None:
    assert command_refusal(booking(decide_by=NOW), snapshot()) is None
    assert command_refusal(booking(decide_by=NOW - dt.timedelta(microseconds=1)), snapshot()) is Code.TOO_LATE


def test_the_first_reason_of_all_wins() -> None:
    """Each step mends what won before, and the next reason appears."""
    past = TODAY - dt.timedelta(days=1)
    closed = replace(OPEN, available=False)
    late = NOW - dt.timedelta(seconds=1)
    assert command_refusal(booking(past, doctor_id=uuid4(), decide_by=late), snapshot(closed, past)) is Code.TOO_LATE
    assert command_refusal(booking(past, doctor_id=uuid4()), snapshot(closed, past)) is Code.UNKNOWN_DOCTOR
    assert command_refusal(booking(past), snapshot(closed, past)) is Code.PAST_DATE
    far = TODAY + dt.timedelta(days=2)
    assert command_refusal(booking(far), snapshot(closed, far, booking_horizon_days=1)) is Code.TOO_FAR
    assert command_refusal(booking(), snapshot(closed)) is Code.DOCTOR_ABSENT
    assert command_refusal(booking(), snapshot(None)) is Code.DOCTOR_ABSENT


def having(named: NamedSlot, **known: Any) -> BatchSnapshot:
    """A snapshot in which today has this slot."""
    return replace(snapshot(**known), named_slots={(DayKey(CLINIC, DOCTOR, TODAY), named.slot.id): named})


def test_a_named_slot_has_to_be_offered_before_anything_else_of_its_day_is_judged() -> None:
    """Each step mends what won before, and the next reason appears."""
    slot = Slot(uuid4(), 1)
    hidden, offered = (NamedSlot(slot, published=published, reservation=None) for published in (False, True))
    asked, closed = booking(slot_id=slot.id), replace(OPEN, available=False)
    assert command_refusal(booking(slot_id=slot.id, doctor_id=uuid4()), snapshot(closed)) is Code.UNKNOWN_DOCTOR
    assert command_refusal(asked, snapshot(closed)) is Code.NO_SUCH_SLOT
    assert command_refusal(asked, having(hidden, day=closed)) is Code.NO_SUCH_SLOT
    assert command_refusal(asked, having(offered, day=closed)) is Code.DOCTOR_ABSENT
    assert command_refusal(asked, having(offered)) is None
    tomorrow = asked.model_copy(update={"date": TODAY + dt.timedelta(days=1)})
    assert command_refusal(tomorrow, having(offered)) is Code.NO_SUCH_SLOT, "it is of another day"


@pytest.mark.parametrize(("minutes", "refusal"), [(0, Code.NO_SUCH_SLOT), (1, Code.TOO_SOON), (20, Code.TOO_SOON), (21, None)])
def test_a_named_slot_is_offered_until_the_lead_time(minutes: int, refusal: Code | None) -> None:
    slot = Slot(uuid4(), 1, starts_at=NOW + dt.timedelta(minutes=minutes))
    free = NamedSlot(slot, published=True, reservation=None)
    taken = free._replace(reservation=Reservation(slot.id, uuid4(), uuid4()))
    assert command_refusal(booking(slot_id=slot.id), having(free, lead_time_minutes=20)) is refusal
    assert command_refusal(booking(slot_id=slot.id), having(taken, lead_time_minutes=20)) is refusal, "taken is judged later"


def test_an_appointment_may_keep_a_slot_that_is_offered_to_nobody() -> None:
    slot = Slot(uuid4(), 1, starts_at=NOW)
    reservation = Reservation(slot.id, uuid4(), uuid4())
    hidden = having(NamedSlot(slot, published=False, reservation=reservation))
    assert command_refusal(move(slot_id=slot.id, appointment_id=reservation.appointment_id), hidden) is None
    assert command_refusal(move(slot_id=slot.id), hidden) is Code.NO_SUCH_SLOT


def test_a_date_without_hours_is_absent_up_to_the_horizon_of_the_schedule() -> None:
    scheduled = replace(snapshot(None), doctors={DoctorKey(CLINIC, DOCTOR): BookableDoctor(scheduled=True)})
    ahead = {days: command_refusal(booking(TODAY + dt.timedelta(days=days)), scheduled) for days in (-1, 0, 60, 61)}
    assert ahead == {-1: Code.PAST_DATE, 0: Code.DOCTOR_ABSENT, 60: Code.DOCTOR_ABSENT, 61: Code.TOO_FAR}
    assert days_to_make([booking()], scheduled) == {}, "a schedule's days are made with their slots"
    far = TODAY + dt.timedelta(days=300)
    recorded = replace(scheduled, days={DayKey(CLINIC, DOCTOR, far): OPEN})
    assert command_refusal(booking(far), recorded) is None, "a daily day that has something taken stays one"


def test_a_doctor_of_another_clinic_is_unknown() -> None:
    assert command_refusal(booking(clinic_id=uuid4()), snapshot()) is Code.UNKNOWN_DOCTOR


def test_the_zone_of_a_record_goes_before_the_clinics() -> None:
    assert command_refusal(booking(), snapshot(OPEN, time_zone="Asia/Hong_Kong")) is None
    assert command_refusal(booking(), snapshot(None, time_zone="Asia/Hong_Kong")) is Code.PAST_DATE


def test_days_come_into_being_only_for_what_can_be_booked() -> None:
    known = BatchSnapshot(
        NOW, {CLINIC: ClinicSettings(time_zone="Europe/Paris")}, {DoctorKey(CLINIC, DOCTOR): BookableDoctor(scheduled=False)}, {}
    )
    tomorrow = TODAY + dt.timedelta(days=1)
    asked = [
        booking(tomorrow), booking(tomorrow), booking(TODAY), booking(tomorrow, doctor_id=uuid4()),
        booking(tomorrow + dt.timedelta(days=1), decide_by=NOW - dt.timedelta(seconds=1)),
    ]  # fmt: skip
    assert days_to_make(asked, known) == {DayKey(CLINIC, DOCTOR, tomorrow): "Europe/Paris"}, "in Paris it is tomorrow"
    assert days_to_make([booking(tomorrow, slot_id=uuid4())], known) == {}, "who names a slot means one that is there"
    assert days_to_make(asked, replace(known, settings={CLINIC: ClinicSettings(default_daily_capacity=0)})) == {}
