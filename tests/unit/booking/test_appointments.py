"""What a reservation becomes, and what an appointment is at a time."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

import pytest

from services.booking.domain.appointments import appointment_of
from shared.contracts.appointments import Status
from shared.contracts.booking import Purpose
from tests.support.booking_messages import reserved
from tests.unit.booking.builders import CLINIC, EARLIER, LATER, NOW, PATIENT, RULES, TODAY, TOMORROW, YESTERDAY, appointment, at

pytestmark = pytest.mark.unit


def test_a_reservation_becomes_a_booked_appointment_with_its_own_ids() -> None:
    slot = reserved(CLINIC, PATIENT, slot_number=4)
    one = appointment_of(slot, **RULES, now=NOW)
    assert (one.id, one.reservation_id, one.command_id) == (slot.appointment_id, slot.reservation_id, slot.command_id)
    assert (one.status, one.version, one.slot_number, one.created_at) == (Status.BOOKED, 1, 4, NOW)
    assert one.view(NOW).slot == 4


def test_a_held_reservation_is_pending_until_the_clinics_time_is_over() -> None:
    one = appointment_of(reserved(CLINIC, PATIENT, purpose=Purpose.HOLD), **RULES, now=NOW)
    end = NOW + RULES["hold_ttl"]
    assert (one.status, one.expires_at) == (Status.PENDING, end)
    assert [one.status_at(end - dt.timedelta(microseconds=1)), one.status_at(end)] == [Status.PENDING, Status.EXPIRED]
    assert not one.is_overdue(NOW) and one.is_overdue(end)
    assert [one.view(now).status for now in (NOW, end)] == [Status.PENDING, Status.EXPIRED]


def test_a_moved_appointment_has_another_place_and_is_the_same_otherwise() -> None:
    held = appointment(status=Status.PENDING, expires_at=LATER, reservation_id=uuid4(), **at(1, 3))
    place = {"slot_number": 7, "location_id": uuid4(), "time_zone": "Asia/Tokyo", "date": TOMORROW, **at(20, 21)}
    slot = reserved(CLINIC, PATIENT, appointment_id=held.id, **place)
    after = held.moved_to(slot, exclusive_day=True, now=LATER)
    new: dict[str, Any] = {"doctor_id": slot.doctor_id, "slot_id": slot.slot_id, "reservation_id": slot.reservation_id, **place}
    assert after == replace(held, **new, exclusive_day=True, version=2, updated_at=LATER)


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
