"""Registry changes on `registry.events` (compacted: each entity's last), and the shapes of registry calls over internal HTTP.

Messages carry no name and no number of a patient; the shapes of HTTP calls do.
"""

import datetime as dt
import re
from datetime import datetime
from enum import StrEnum
from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from shared.contracts.envelope import RegistryMessage, Wire

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=64)]
Language = Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$", max_length=35)]


def _only_iso_days(value: object) -> object:
    """Pydantic also reads numbers as dates, seconds since 1970: a client that sends one has made a mistake."""
    if not isinstance(value, str):
        return value
    if not _ISO_DAY.fullmatch(value):
        raise ValueError("must be a date, YYYY-MM-DD")
    return dt.date.fromisoformat(value)


_ISO_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
Day = Annotated[dt.date, BeforeValidator(_only_iso_days)]
"""A date that a client sends, `YYYY-MM-DD`."""


class Active(StrEnum):
    """Whether a registry entity is in use; a deleted one stays readable to its owner."""

    ACTIVE = "active"
    DELETED = "deleted"


class ClinicSettings(Wire):
    """What a clinic decides for itself."""

    time_zone: str = "UTC"
    region: str = "GB"
    default_daily_capacity: int = 10
    max_daily_capacity: int = 10
    booking_horizon_days: int = 400
    hold_ttl_seconds: int = 1800
    one_booking_per_patient_day: bool = False


class ClinicChanged(RegistryMessage):
    """A clinic and its settings as they are now."""

    kind: ClassVar[str] = "clinic"
    type: Literal["ClinicChanged"] = "ClinicChanged"
    code: str
    settings: ClinicSettings

    @property
    def entity_id(self) -> UUID:
        return self.clinic_id


class DoctorChanged(RegistryMessage):
    """A doctor as other services need to know it."""

    kind: ClassVar[str] = "doctor"
    type: Literal["DoctorChanged"] = "DoctorChanged"
    doctor_id: UUID
    status: Active

    @property
    def entity_id(self) -> UUID:
        return self.doctor_id


class PatientChanged(RegistryMessage):
    """A patient as other services may know it: an id and whether it is in use, nothing else."""

    kind: ClassVar[str] = "patient"
    type: Literal["PatientChanged"] = "PatientChanged"
    patient_id: UUID
    status: Active

    @property
    def entity_id(self) -> UUID:
        return self.patient_id


class Strict(BaseModel):
    """A body that a client sends: unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DoctorIn(Strict):
    """A doctor to register; without `code` it is made from the name."""

    name: Name
    code: Slug | None = None
    languages: list[Language] = Field(default=[], max_length=20)


class DoctorView(Wire):
    """A doctor as clients read it."""

    id: UUID
    code: str
    name: str
    languages: list[str]
    status: Active
    version: int


class DoctorPage(Wire):
    """A page of doctors in order of code."""

    items: list[DoctorView]
    next_cursor: str | None = None


class PatientIn(Strict):
    """A patient to register. `phone` in any format; the owner stores E.164."""

    name: Name
    phone: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    date_of_birth: Day | None = None


class PatientView(Wire):
    """A patient as clients read it. `phone` is E.164."""

    id: UUID
    name: str
    phone: str
    date_of_birth: dt.date | None
    status: Active
    version: int
    created_at: datetime
    updated_at: datetime


class DayIn(Strict):
    """A day to open, close or resize; what is left out stays as it was."""

    date: Day
    capacity: int | None = Field(default=None, ge=1)
    available: bool | None = None
