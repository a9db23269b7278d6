"""Patients who are elsewhere: another place, or a refusal that names what is in the way, once all processes can read that."""

import datetime as dt
from typing import Any

import pytest

from shared.contracts.booking import AppointmentRefused
from shared.contracts.commands import CommandRepeated
from shared.contracts.problems import Code
from shared.contracts.versions import Version
from tests.integration.booking.booking import Booking
from tests.support.booking_messages import refused, repeated, reserved
from tests.support.dates import in_days

pytestmark = pytest.mark.integration

HOUR = dt.timedelta(hours=1)
NINE = dt.datetime.combine(in_days(3), dt.time(9), dt.UTC)
AT_NINE: dict[str, Any] = {"date": NINE.date(), "starts_at": NINE, "ends_at": NINE + HOUR}


async def test_another_place_is_asked_for_once_all_processes_know_how(booking: Booking) -> None:
    patient = await booking.patient()
    await booking.booked(patient=patient, **AT_NINE)
    result = await booking.deliver(reserved(booking.clinic, patient, of_day=True, **AT_NINE))
    assert result.types == ["ReservationDeclined"]
    booking.beside(Version.BEFORE)
    result = await booking.deliver(reserved(booking.clinic, patient, of_day=True, **AT_NINE))
    assert [one.answer.code for one in result.of(AppointmentRefused)] == [Code.PATIENT_BUSY]


async def test_a_repeat_of_a_refusal_that_names_an_appointment_is_passed_on(booking: Booking) -> None:
    patient = await booking.patient()
    first = await booking.booked(patient=patient, **AT_NINE)
    slot = reserved(booking.clinic, patient, **AT_NINE)
    await booking.deliver(slot)
    [again] = (await booking.deliver(repeated(slot))).of(CommandRepeated)
    assert again.answer and again.answer.result == {"appointment_id": str(first.appointment_id)}
    assert (again.doctor_id, again.date, again.appointment_id) == (slot.doctor_id, slot.date, None)


async def test_beside_the_version_before_a_refusal_names_nothing(booking: Booking) -> None:
    patient = await booking.patient()
    first = await booking.booked(patient=patient, **AT_NINE)
    booking.beside(Version.BEFORE)
    busy = reserved(booking.clinic, patient, **AT_NINE)
    own = refused(booking.clinic, patient, Code.SLOT_TAKEN, taken_by=first.appointment_id)
    await booking.deliver(busy, own)
    outcomes = [await booking.outcome(message) for message in (busy, own)]
    assert [(one.answer.code, one.answer.result) for one in outcomes if one] == [
        (Code.PATIENT_BUSY, None),
        (Code.SLOT_TAKEN, None),
    ]
