"""The bodies of commands, as clients send them, and commands as they read them. Shapes shared with owners are in contracts."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any
from uuid import UUID

from phonenumbers import SUPPORTED_REGIONS
from pydantic import StringConstraints, field_validator

from services.gateway.headers import KEY_PATTERN
from shared.contracts.booking import Reason
from shared.contracts.clinics import SettingsPatch
from shared.contracts.envelope import Wire
from shared.contracts.registry import Day, Strict


class BookingIn(Strict):
    """A place of a doctor's day for a patient. `idempotency_key` is another way to send the header."""

    doctor_id: UUID
    patient_id: UUID
    date: Day
    idempotency_key: Annotated[str, StringConstraints(pattern=KEY_PATTERN)] | None = None


class CancelIn(Strict):
    """Why an appointment is cancelled."""

    reason: Reason | None = None


class CheckInIn(Strict):
    """The patient of an appointment is here."""

    appointment_id: UUID
    patient_id: UUID


class SettingsIn(SettingsPatch):
    """Settings to change, as the gateway judges them."""

    @field_validator("region")
    @classmethod
    def _known_region(cls, region: str | None) -> str | None:
        if region not in SUPPORTED_REGIONS:
            raise ValueError("is not a region that has phone numbers")
        return region


class CommandStatus(StrEnum):
    """How far a command is."""

    RUNNING = "running"
    SUCCEEDED = "succeeded"
    REFUSED = "refused"


class CommandView(Wire):
    """A command as clients read it: once it is decided with `status_code` and its `result` or `problem`."""

    command_id: UUID
    type: str
    status: CommandStatus
    status_code: int | None = None
    result: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    accepted_at: datetime
    decided_at: datetime | None = None


class HealthView(Wire):
    """All services and stores in one view."""

    status: str
    services: dict[str, Any]
    stores: dict[str, str]
