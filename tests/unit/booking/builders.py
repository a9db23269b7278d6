"""Appointments of one clinic and patient, at an evening of 2 March 2026."""

import datetime as dt
from dataclasses import replace
from typing import Any
from uuid import uuid4

from services.booking.domain.appointments import Appointment, appointment_of
from tests.support.booking_messages import reserved

NOW = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
TODAY, TOMORROW, YESTERDAY = (dt.date(2026, 3, day) for day in (2, 3, 1))
CLINIC, PATIENT = uuid4(), uuid4()
LATER = NOW + dt.timedelta(minutes=1)
EARLIER = NOW - dt.timedelta(minutes=1)
RULES: dict[str, Any] = {"patient_id": PATIENT, "exclusive_day": False, "hold_ttl": dt.timedelta(minutes=30)}


def appointment(**fields: Any) -> Appointment:
    """An appointment of today without a time, booked unless `fields` say otherwise."""
    return replace(appointment_of(reserved(CLINIC, PATIENT, date=TODAY), **RULES, now=NOW), **fields)


def at(start_hour: int, end_hour: int) -> dict[str, Any]:
    """A time, in hours from now."""
    return {"starts_at": NOW + dt.timedelta(hours=start_hour), "ends_at": NOW + dt.timedelta(hours=end_hour)}
