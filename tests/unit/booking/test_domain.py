"""Booking's rules: names, collisions, and what a command makes of an appointment in each of its states."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.booking import domain
from services.booking.domain import Appointment, Diary
from shared.contracts.appointments import Reason, Status
from shared.contracts.booking import Purpose
from shared.contracts.problems import Code
from shared.contracts.shapes import name_key
from tests.unit.booking.messages import cancel, check_in, confirm, reserved

pytestmark = pytest.mark.unit

NOW = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
TODAY, TOMORROW, YESTERDAY = (dt.date(2026, 3, day) for day in (2, 3, 1))
CLINIC, PATIENT = uuid4(), uuid4()
LATER = NOW + dt.timedelta(minutes=1)
EARLIER = NOW - dt.timedelta(minutes=1)
NO_CUTOFF = dt.timedelta()
RULES: dict[str, Any] = {"exclusive_day": False, "hold_ttl": dt.timedelta(minutes=30)}


def appointment(**fields: Any) -> Appointment:
    return replace(domain.appointment_of(reserved(CLINIC, PATIENT, date=TODAY), **RULES, now=NOW), **fields)


def cancelled(one: Appointment, **fields: Any) -> Appointment | Code:
    return domain.apply(cancel(CLINIC, one.id, **{"decide_by": LATER, **fields}), one, NO_CUTOFF, NOW)


def checked_in(one: Appointment, **fields: Any) -> Appointment | Code:
    command = check_in(CLINIC, one.id, **{"patient": one.patient_id, "decide_by": LATER, **fields})
    return domain.apply(command, one, NO_CUTOFF, NOW)


@pytest.mark.parametrize(
    ("one", "other"),
    [("Ada  Lovelace", " ada lovelace "), ("STRASSE", "straße"), ("ﬁona", "Fiona"), ("Jose\u0301", "José"), ("A\u00a0B", "a b")],
)
def test_names_that_compare_equal(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


def test_names_that_differ() -> None:
    assert name_key("Ada Byron") != name_key("Ada Lovelace")


def test_a_reservation_becomes_a_booked_appointment_with_its_own_ids() -> None:
    slot = reserved(CLINIC, PATIENT, slot_number=4)
    one = domain.appointment_of(slot, **RULES, now=NOW)
    assert (one.id, one.reservation_id, one.command_id) == (slot.appointment_id, slot.reservation_id, slot.command_id)
    assert (one.status, one.version, one.slot_number, one.created_at) == (Status.BOOKED, 1, 4, NOW)
    assert domain.view(one, NOW).slot == 4


def test_a_cancelled_appointment_has_a_version_a_reason_and_a_time_more() -> None:
    one = appointment()
    after = cancelled(one, reason=Reason.ILL)
    assert after == replace(one, status=Status.CANCELLED, version=2, cancel_reason=Reason.ILL, updated_at=NOW)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.CHECKED_IN, Code.CHECKED_IN), (Status.EXPIRED, Code.EXPIRED),
        (Status.FULFILLED, Code.PAST), (Status.NO_SHOW, Code.PAST),
    ],
)  # fmt: skip
def test_what_cannot_be_cancelled(status: Status, code: Code) -> None:
    assert cancelled(appointment(status=status, date=YESTERDAY)) == code


def test_cancelling_twice_changes_nothing_also_when_it_is_past() -> None:
    one = appointment(status=Status.CANCELLED, date=YESTERDAY)
    assert cancelled(one) is one


def test_what_is_past_cannot_be_cancelled_and_what_is_today_can() -> None:
    assert cancelled(appointment(date=YESTERDAY)) == Code.PAST
    assert isinstance(cancelled(appointment(date=TODAY)), Appointment)


def test_today_is_judged_where_the_appointment_is() -> None:
    assert checked_in(appointment(date=TODAY, time_zone="Asia/Hong_Kong")) == Code.NOT_TODAY
    assert isinstance(checked_in(appointment(date=TOMORROW, time_zone="Asia/Hong_Kong")), Appointment)
    assert cancelled(appointment(date=TODAY, time_zone="Asia/Hong_Kong")) == Code.PAST


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.CANCELLED, Code.CANCELLED), (Status.EXPIRED, Code.EXPIRED), (Status.CHECKED_IN, Code.ALREADY_CHECKED_IN),
        (Status.FULFILLED, Code.ALREADY_CHECKED_IN), (Status.NO_SHOW, Code.PAST),
    ],
)  # fmt: skip
def test_who_cannot_be_checked_in(status: Status, code: Code) -> None:
    assert checked_in(appointment(status=status)) == code


def test_a_hold_is_not_confirmed_until_it_is_over_and_then_it_is_expired() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER)
    over = appointment(status=Status.PENDING, expires_at=NOW)
    assert checked_in(held) == Code.NOT_CONFIRMED
    assert checked_in(over) == Code.EXPIRED
    assert isinstance(cancelled(held), Appointment)
    assert cancelled(over) == Code.EXPIRED


def test_the_patient_ranks_above_the_day_and_the_day_above_the_status() -> None:
    gone = appointment(status=Status.CANCELLED, date=TOMORROW)
    assert checked_in(gone, patient=uuid4()) == Code.WRONG_PATIENT
    assert checked_in(gone) == Code.NOT_TODAY


def test_after_its_time_a_command_is_too_late_and_nothing_else_is_judged() -> None:
    assert cancelled(appointment(), decide_by=EARLIER) == Code.TOO_LATE
    assert domain.apply(cancel(CLINIC, uuid4(), decide_by=EARLIER), None, NO_CUTOFF, NOW) == Code.TOO_LATE
    assert isinstance(cancelled(appointment(), decide_by=NOW), Appointment)


def test_an_unknown_appointment_is_unknown() -> None:
    assert domain.apply(cancel(CLINIC, uuid4(), decide_by=LATER), None, NO_CUTOFF, NOW) == Code.UNKNOWN_APPOINTMENT


@pytest.mark.parametrize(
    ("code", "ours", "stored"),
    [
        (Code.FULL, None, Code.FULL),
        (Code.FULL, Code.UNKNOWN_PATIENT, Code.UNKNOWN_PATIENT),
        (Code.PAST_DATE, Code.UNKNOWN_PATIENT, Code.UNKNOWN_PATIENT),
        (Code.NO_SUCH_SLOT, Code.UNKNOWN_APPOINTMENT, Code.UNKNOWN_APPOINTMENT),
        (Code.UNKNOWN_DOCTOR, Code.UNKNOWN_PATIENT, Code.UNKNOWN_DOCTOR),
        (Code.TOO_LATE, Code.UNKNOWN_PATIENT, Code.TOO_LATE),
        (Code.NO_SUCH_SLOT, Code.CANCELLED, Code.NO_SUCH_SLOT),
        (Code.TOO_FAR, Code.PAST_CUTOFF, Code.TOO_FAR),
        (Code.SLOT_TAKEN, Code.CANCELLED, Code.CANCELLED),
        (Code.FULL, Code.PAST_CUTOFF, Code.PAST_CUTOFF),
        (Code.TOO_LATE, Code.CANCELLED, Code.TOO_LATE),
    ],
)
def test_which_refusal_wins_of_availabilitys_and_ours(code: Code, ours: Code | None, stored: Code) -> None:
    assert domain.code_of_refusal(code, ours) == stored


def at(start_hour: int, end_hour: int) -> dict[str, Any]:
    return {"starts_at": NOW + dt.timedelta(hours=start_hour), "ends_at": NOW + dt.timedelta(hours=end_hour)}


def test_a_patient_is_in_one_place_at_a_time() -> None:
    diary = Diary([appointment(**at(1, 3))])
    assert diary.forbids(appointment(**at(2, 4)))
    assert not diary.forbids(appointment(**at(3, 4)))
    assert not diary.forbids(appointment())
    assert not diary.forbids(replace(appointment(**at(2, 4)), patient_id=uuid4()))
    assert not diary.forbids(replace(appointment(**at(2, 4)), clinic_id=uuid4()))


def test_one_booking_a_day_is_of_one_doctor_and_where_the_clinic_says_so() -> None:
    first = appointment()
    diary = Diary([])
    assert not diary.forbids(replace(first, exclusive_day=True))
    diary.enter(first)
    again = replace(first, id=uuid4())
    assert diary.forbids(replace(again, exclusive_day=True))
    assert not diary.forbids(again)
    assert not diary.forbids(replace(again, exclusive_day=True, doctor_id=uuid4()))
    assert not diary.forbids(replace(again, exclusive_day=True, date=TOMORROW))


HELD = {"status": Status.PENDING, "expires_at": EARLIER}


@pytest.mark.parametrize(
    ("fields", "live", "upcoming"),
    [
        ({}, True, True),
        ({"status": Status.CHECKED_IN}, True, True),
        ({"date": TOMORROW}, True, True),
        ({"date": YESTERDAY}, True, False),
        ({"date": TODAY, "time_zone": "Asia/Tokyo"}, True, False),
        ({"status": Status.PENDING, "expires_at": LATER}, True, True),
        (HELD, False, False),
        ({"status": Status.CANCELLED}, False, False),
        ({"status": Status.FULFILLED}, False, False),
    ],
)
def test_what_stands_against_a_delete_lives_and_is_not_past_where_it_takes_place(
    fields: dict[str, Any], live: bool, upcoming: bool
) -> None:
    one = appointment(**fields)
    assert (one.is_live(NOW), one.is_upcoming(NOW)) == (live, upcoming)


HOUR = dt.timedelta(hours=1)
ONE_DAY = {"doctor_id": uuid4(), "date": TODAY}


@pytest.mark.parametrize(
    ("one", "other", "clash"),
    [
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {"starts_at": NOW + HOUR / 2, "ends_at": NOW + 2 * HOUR}, True),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {"starts_at": NOW + HOUR, "ends_at": NOW + 2 * HOUR}, False),
        ({"starts_at": NOW, "ends_at": NOW + HOUR}, {}, False),
        (ONE_DAY, ONE_DAY, False),
        (ONE_DAY | {"exclusive_day": True}, ONE_DAY, True),
        (ONE_DAY, ONE_DAY | {"exclusive_day": True}, True),
        (ONE_DAY | {"exclusive_day": True}, ONE_DAY | {"date": TOMORROW}, False),
    ],
)
def test_what_two_patients_have_and_one_cannot(one: dict[str, Any], other: dict[str, Any], clash: bool) -> None:
    moving, staying = appointment(**one), appointment(**other)
    found = domain.clashes([moving, appointment()], [staying, appointment()])
    assert found == (sorted([moving, staying], key=lambda each: each.id) if clash else [])


def test_an_appointments_own_place_never_stands_in_its_way() -> None:
    one = appointment(**at(1, 3))
    diary = Diary([one])
    assert not diary.forbids(replace(one, **at(2, 4)))
    assert not diary.forbids(replace(one, exclusive_day=True, slot_id=uuid4()))
    diary.enter(replace(one, **at(5, 6)))
    assert not diary.forbids(appointment(**at(2, 4))), "it has left that place"
    assert diary.forbids(appointment(**at(5, 6)))


def test_a_moved_appointment_has_another_place_and_is_the_same_otherwise() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER, reservation_id=uuid4(), **at(1, 3))
    place = {"slot_number": 7, "location_id": uuid4(), "time_zone": "Asia/Tokyo", "date": TOMORROW, **at(20, 21)}
    slot = reserved(CLINIC, PATIENT, appointment_id=held.id, **place)
    after = domain.moved(held, slot, exclusive_day=True, now=LATER)
    new: dict[str, Any] = {"doctor_id": slot.doctor_id, "slot_id": slot.slot_id, "reservation_id": slot.reservation_id, **place}
    assert after == replace(held, **new, exclusive_day=True, version=2, updated_at=LATER)


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (Status.CANCELLED, Code.CANCELLED),
        (Status.EXPIRED, Code.EXPIRED),
        (Status.CHECKED_IN, Code.ALREADY_CHECKED_IN),
        (Status.FULFILLED, Code.PAST),
        (Status.NO_SHOW, Code.PAST),
        (Status.BOOKED, Code.PAST),
    ],
)
def test_what_cannot_be_moved(status: Status, code: Code) -> None:
    assert domain.why_unmovable(appointment(status=status, date=YESTERDAY), NOW, dt.timedelta()) == code


def test_a_hold_is_moved_until_it_is_over() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER)
    assert domain.why_unmovable(held, NOW, None) is None
    assert domain.why_unmovable(held, LATER, None) == Code.EXPIRED


def test_a_cut_off_is_before_the_start_or_the_end_of_the_day_and_not_for_the_clinic() -> None:
    hour = dt.timedelta(hours=1)
    timed = appointment(date=TOMORROW, **at(1, 3))
    assert domain.why_unmovable(timed, NOW, hour - dt.timedelta(minutes=1)) is None
    assert domain.why_unmovable(timed, NOW, hour) == Code.PAST_CUTOFF
    assert domain.why_unmovable(timed, NOW + 2 * hour, None) is None
    tokyo = appointment(time_zone="Asia/Tokyo", date=TOMORROW)  # its day ends at 15:00 of the third, UTC
    assert domain.why_unmovable(tokyo, NOW, dt.timedelta(hours=15)) is None
    assert domain.why_unmovable(tokyo, NOW, dt.timedelta(hours=15, minutes=30)) == Code.PAST_CUTOFF


def confirmed(one: Appointment, **fields: Any) -> Appointment | Code:
    return domain.apply(confirm(CLINIC, one.id, **{"decide_by": LATER, **fields}), one, NO_CUTOFF, NOW)


def test_a_held_reservation_is_pending_until_the_clinics_time_is_over() -> None:
    one = domain.appointment_of(reserved(CLINIC, PATIENT, purpose=Purpose.HOLD), **RULES, now=NOW)
    end = NOW + RULES["hold_ttl"]
    assert (one.status, one.expires_at) == (Status.PENDING, end)
    assert [one.status_at(end - dt.timedelta(microseconds=1)), one.status_at(end)] == [Status.PENDING, Status.EXPIRED]
    assert not one.is_overdue(NOW) and one.is_overdue(end)
    assert [domain.view(one, now).status for now in (NOW, end)] == [Status.PENDING, Status.EXPIRED]


def test_a_confirmed_hold_has_a_version_more_and_no_end() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER)
    assert confirmed(held) == replace(held, status=Status.BOOKED, expires_at=None, version=2, updated_at=NOW)


@pytest.mark.parametrize("status", [Status.BOOKED, Status.CHECKED_IN, Status.FULFILLED])
def test_confirming_what_is_booked_leaves_it_as_it_is(status: Status) -> None:
    one = appointment(status=status)
    assert confirmed(one) is one


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"status": Status.CANCELLED}, Code.CANCELLED),
        ({"status": Status.EXPIRED, "expires_at": LATER}, Code.EXPIRED),
        ({"status": Status.PENDING, "expires_at": NOW}, Code.EXPIRED),
        ({"status": Status.NO_SHOW}, Code.PAST),
    ],
)
def test_what_cannot_be_confirmed(fields: dict[str, Any], code: Code) -> None:
    assert confirmed(appointment(**fields)) == code


@pytest.mark.parametrize(
    ("fields", "minutes", "allowed"),
    [
        ({"starts_at": NOW + dt.timedelta(minutes=60, seconds=1)}, 60, True),
        ({"starts_at": NOW + dt.timedelta(minutes=60)}, 60, False),
        ({"starts_at": NOW}, 0, False),
        ({"starts_at": LATER}, 0, True),
        # Without a time: before the end of the day where it is, half an hour on in UTC and an hour and a half in the Azores.
        ({}, 29, True),
        ({}, 30, False),
        ({"time_zone": "Atlantic/Azores"}, 89, True),
        ({"time_zone": "Atlantic/Azores"}, 90, False),
        ({"date": TOMORROW}, 24 * 60, True),
    ],
)
def test_the_cut_off_is_before_the_start_or_the_end_of_the_day(fields: dict[str, Any], minutes: int, allowed: bool) -> None:
    one = appointment(**fields)
    after = domain.apply(cancel(CLINIC, one.id, decide_by=LATER), one, dt.timedelta(minutes=minutes), NOW)
    assert isinstance(after, Appointment) if allowed else after == Code.PAST_CUTOFF


def test_the_status_ranks_above_the_cut_off_and_a_day_that_is_over_too() -> None:
    day = dt.timedelta(days=1)

    def code(**fields: Any) -> Appointment | Code:
        return domain.apply(cancel(CLINIC, PATIENT, decide_by=LATER), appointment(**fields), day, NOW)

    assert code(status=Status.CHECKED_IN) == Code.CHECKED_IN
    assert code(date=YESTERDAY) == Code.PAST
    assert isinstance(code(status=Status.CANCELLED), Appointment)


def test_a_fourth_hold_is_one_too_many_and_a_fourth_booking_is_not() -> None:
    held = [appointment(id=uuid4(), status=Status.PENDING, expires_at=LATER) for _ in range(3)]
    one_more = appointment(id=uuid4(), status=Status.PENDING, expires_at=LATER)
    assert not Diary([*held[:2], appointment(id=uuid4())]).has_holds_enough(one_more)
    assert Diary(held).has_holds_enough(one_more)
    assert not Diary(held).has_holds_enough(appointment(id=uuid4()))
    assert not Diary(held).has_holds_enough(replace(one_more, patient_id=uuid4()))
