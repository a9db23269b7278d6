"""An appointment: what a reservation becomes, and how it goes on. Each change is a new value with the next version.

The repositories read and write these values; `commands.py` decides which change a command makes.
"""

import datetime as dt
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypedDict
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.domain.keys import RowKey
from shared.contracts.appointments import LIVE, AppointmentView, Reason, Status
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import Purpose


class ReservedSlot(TypedDict):
    """The fields that an appointment has from its reservation, and that a move replaces all together."""

    doctor_id: UUID
    date: dt.date
    time_zone: str
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    location_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None


@dataclass(frozen=True)
class Appointment:
    """An appointment as booking knows it; the fields are the columns of its row."""

    clinic_id: UUID
    id: UUID
    doctor_id: UUID
    patient_id: UUID
    date: dt.date
    time_zone: str
    slot_id: UUID
    slot_number: int
    reservation_id: UUID
    location_id: UUID | None
    starts_at: datetime | None
    ends_at: datetime | None
    status: Status
    expires_at: datetime | None
    exclusive_day: bool
    version: int
    cancel_reason: Reason | None
    created_at: datetime
    updated_at: datetime
    command_id: UUID

    @property
    def key(self) -> RowKey:
        return self.clinic_id, self.id

    @property
    def patient_key(self) -> RowKey:
        return self.clinic_id, self.patient_id

    def today(self, now: datetime) -> dt.date:
        """The date where the appointment takes place."""
        return now.astimezone(ZoneInfo(self.time_zone)).date()

    def status_at(self, now: datetime) -> Status:
        """The status; a hold past its `expires_at` is expired, also before the sweep has written that."""
        over = self.expires_at is not None and self.expires_at <= now
        return Status.EXPIRED if self.status is Status.PENDING and over else self.status

    def is_overdue(self, now: datetime) -> bool:
        """Whether it is a hold past its `expires_at` that nobody has written as expired yet."""
        return self.status is Status.PENDING and self.status_at(now) is Status.EXPIRED

    def is_live(self, now: datetime) -> bool:
        """Whether the appointment holds its slot."""
        return self.status_at(now) in LIVE

    def is_upcoming(self, now: datetime) -> bool:
        """Whether it is live and of today or later where it takes place. A live one of an earlier date was never closed."""
        return self.is_live(now) and self.date >= self.today(now)

    @property
    def latest_start(self) -> datetime:
        """Its start; without a time, the end of its date where it takes place."""
        midnight = datetime.combine(self.date + timedelta(days=1), dt.time(), ZoneInfo(self.time_zone))
        return self.starts_at or midnight

    def with_status(self, status: Status, now: datetime, reason: Reason | None = None) -> "Appointment":
        """The appointment after a change of status."""
        return replace(self, status=status, version=self.version + 1, cancel_reason=reason, updated_at=now)

    def confirmed(self, now: datetime) -> "Appointment":
        """The held appointment, booked: it has no `expires_at` any more."""
        return replace(self.with_status(Status.BOOKED, now), expires_at=None)

    def moved_to(self, reserved: SlotReserved, *, exclusive_day: bool, now: datetime) -> "Appointment":
        """The appointment in the slot that was reserved for its move. All else stays: a hold keeps its `expires_at`."""
        return replace(
            self,
            **_slot_of(reserved),
            exclusive_day=exclusive_day,
            version=self.version + 1,
            updated_at=now,
        )

    def view(self, now: datetime) -> AppointmentView:
        """The appointment as clients read it: a hold past its `expires_at` is expired."""
        return AppointmentView(
            id=self.id,
            doctor_id=self.doctor_id,
            patient_id=self.patient_id,
            date=self.date,
            slot=self.slot_number,
            slot_id=self.slot_id,
            location_id=self.location_id,
            starts_at=self.starts_at,
            ends_at=self.ends_at,
            status=self.status_at(now),
            expires_at=self.expires_at,
            version=self.version,
            created_at=self.created_at,
            updated_at=self.updated_at,
        )


def appointment_of(
    reserved: SlotReserved, *, patient_id: UUID, exclusive_day: bool, hold_ttl: timedelta, now: datetime
) -> Appointment:
    """The appointment that a reservation becomes if nothing stands against it: booked, or held for `hold_ttl`.

    `patient_id` is the survivor where the patient of the message was merged.
    """
    assert reserved.command_id
    held = reserved.purpose is Purpose.HOLD
    return Appointment(
        clinic_id=reserved.clinic_id,
        id=reserved.appointment_id,
        patient_id=patient_id,
        **_slot_of(reserved),
        status=Status.PENDING if held else Status.BOOKED,
        expires_at=now + hold_ttl if held else None,
        exclusive_day=exclusive_day,
        version=1,
        cancel_reason=None,
        created_at=now,
        updated_at=now,
        command_id=reserved.command_id,
    )


def _slot_of(reserved: SlotReserved) -> ReservedSlot:
    return ReservedSlot(
        doctor_id=reserved.doctor_id,
        date=reserved.date,
        time_zone=reserved.time_zone,
        slot_id=reserved.slot_id,
        slot_number=reserved.slot_number,
        reservation_id=reserved.reservation_id,
        location_id=reserved.location_id,
        starts_at=reserved.starts_at,
        ends_at=reserved.ends_at,
    )
