"""Commands about one doctor's day, and the snapshot that they are judged by."""

import datetime as dt
from typing import Any
from uuid import UUID, uuid4

from services.availability.domain.batches import BatchSnapshot
from services.availability.domain.days import BookableDoctor, Day, DayKey, DoctorKey
from shared.contracts.availability import Mode
from shared.contracts.booking import BookAppointment, RescheduleAppointment
from shared.contracts.clinics import ClinicSettings

NOW = dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)
TODAY = NOW.date()
CLINIC, DOCTOR = UUID(int=1), UUID(int=2)
OPEN = Day(Mode.DAILY, available=True, time_zone="UTC")


def booking(date: dt.date = TODAY, **fields: Any) -> BookAppointment:
    return BookAppointment(**_command(date, fields))


def move(date: dt.date = TODAY, **fields: Any) -> RescheduleAppointment:
    return RescheduleAppointment(**{"appointment_id": uuid4(), **_command(date, fields)})


def snapshot(day: Day | None = OPEN, date: dt.date = TODAY, **settings: Any) -> BatchSnapshot:
    days = {} if day is None else {DayKey(CLINIC, DOCTOR, date): day}
    return BatchSnapshot(
        NOW, {CLINIC: ClinicSettings(**settings)}, {DoctorKey(CLINIC, DOCTOR): BookableDoctor(scheduled=False)}, days
    )


def _command(date: dt.date, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "message_id": uuid4(), "clinic_id": CLINIC, "correlation_id": "1", "command_id": uuid4(), "actor": "open",
        "principal": "open", "body_hash": "00", "occurred_at": NOW, "accepted_at": NOW, "decide_by": NOW,
        "doctor_id": DOCTOR, "date": date, "patient_id": uuid4(), **fields,
    }  # fmt: skip
