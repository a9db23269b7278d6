"""What a command makes of an appointment in each of its states, and which refusal prevails."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.booking.domain.appointments import Appointment
from services.booking.domain.commands import apply, prevailing_refusal, refusal_of_move
from shared.contracts.appointments import Reason, Status
from shared.contracts.problems import Code
from tests.support.booking_messages import cancel, check_in, confirm
from tests.unit.booking.builders import CLINIC, EARLIER, LATER, NOW, PATIENT, TODAY, TOMORROW, YESTERDAY, appointment, at

pytestmark = pytest.mark.unit

NO_CUTOFF = dt.timedelta()


def cancelled(one: Appointment, **fields: Any) -> Appointment | Code:
    return apply(cancel(CLINIC, one.id, **{"decide_by": LATER, **fields}), one, NO_CUTOFF, NOW)


def checked_in(one: Appointment, **fields: Any) -> Appointment | Code:
    command = check_in(CLINIC, one.id, **{"patient": one.patient_id, "decide_by": LATER, **fields})
    return apply(command, one, NO_CUTOFF, NOW)


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
    assert apply(cancel(CLINIC, uuid4(), decide_by=EARLIER), None, NO_CUTOFF, NOW) == Code.TOO_LATE
    assert isinstance(cancelled(appointment(), decide_by=NOW), Appointment)


def test_an_unknown_appointment_is_unknown() -> None:
    assert apply(cancel(CLINIC, uuid4(), decide_by=LATER), None, NO_CUTOFF, NOW) == Code.UNKNOWN_APPOINTMENT


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
    assert prevailing_refusal(code, ours) == stored


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
    assert refusal_of_move(appointment(status=status, date=YESTERDAY), NOW, dt.timedelta()) == code


def test_a_hold_is_moved_until_it_is_over() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER)
    assert refusal_of_move(held, NOW, None) is None
    assert refusal_of_move(held, LATER, None) == Code.EXPIRED


def test_a_cut_off_is_before_the_start_or_the_end_of_the_day_and_not_for_the_clinic() -> None:
    hour = dt.timedelta(hours=1)
    timed = appointment(date=TOMORROW, **at(1, 3))
    assert refusal_of_move(timed, NOW, hour - dt.timedelta(minutes=1)) is None
    assert refusal_of_move(timed, NOW, hour) == Code.PAST_CUTOFF
    assert refusal_of_move(timed, NOW + 2 * hour, None) is None
    tokyo = appointment(time_zone="Asia/Tokyo", date=TOMORROW)  # its day ends at 15:00 of the third, UTC
    assert refusal_of_move(tokyo, NOW, dt.timedelta(hours=15)) is None
    assert refusal_of_move(tokyo, NOW, dt.timedelta(hours=15, minutes=30)) == Code.PAST_CUTOFF


def confirmed(one: Appointment, **fields: Any) -> Appointment | Code:
    return apply(confirm(CLINIC, one.id, **{"decide_by": LATER, **fields}), one, NO_CUTOFF, NOW)


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
    after = apply(cancel(CLINIC, one.id, decide_by=LATER), one, dt.timedelta(minutes=minutes), NOW)
    assert isinstance(after, Appointment) if allowed else after == Code.PAST_CUTOFF


def test_the_status_ranks_above_the_cut_off_and_a_day_that_is_over_too() -> None:
    day = dt.timedelta(days=1)

    def code(**fields: Any) -> Appointment | Code:
        return apply(cancel(CLINIC, PATIENT, decide_by=LATER), appointment(**fields), day, NOW)

    assert code(status=Status.CHECKED_IN) == Code.CHECKED_IN
    assert code(date=YESTERDAY) == Code.PAST
    assert isinstance(code(status=Status.CANCELLED), Appointment)
