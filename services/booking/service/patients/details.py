"""What a clinic knows of a patient: judged by the rules of its settings, in the clear. Used by all use cases about patients."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.booking.schemas import Judged, PatientForm
from shared.infra import clinic_settings
from shared.infra.unit import RegistryUnit

SEALED = ("phone", "phone_extension", "date_of_birth", "email", "nhs_number", "postcode", "address")
"""The fields that are stored sealed (`sealing.py`)."""


@dataclass(frozen=True)
class PatientDetails:
    """What a clinic knows of a patient, judged and in the clear."""

    name: str
    phone: str
    phone_extension: str | None
    date_of_birth: dt.date | None
    email: str | None
    nhs_number: str | None
    postcode: str | None
    address: str | None

    @classmethod
    def of_form(cls, form: PatientForm) -> "PatientDetails":
        """The details of a judged form."""
        assert form.name
        return cls(form.name, *(getattr(form, field) for field in SEALED))

    def changed(self, sent: Mapping[str, Any]) -> "PatientDetails":
        """The details with what was sent. An extension belongs to its number: another number does not keep it."""
        kept = {} if sent.get("phone", self.phone) == self.phone else {"phone_extension": None}
        return replace(self, **{**kept, **sent})


async def form_rules(unit: RegistryUnit, clinic_id: UUID) -> dict[str, object]:
    """What the forms of a clinic's patients are judged by: the context that they are parsed with."""
    clinic = await clinic_settings.of(unit.connection, clinic_id)
    return Judged.rules(clinic, unit.now.astimezone(ZoneInfo(clinic.time_zone)).date())
