"""Bodies that booking alone judges, beyond their shape: every bad field of a patient is named at once."""

import datetime as dt

import phonenumbers
from pydantic import ValidationInfo, field_validator, model_validator

from shared.contracts.patients import PatientIn
from shared.contracts.registry import ClinicSettings

EARLIEST_BIRTH = dt.date(1900, 1, 1)


class PatientForm(PatientIn):
    """A patient to register, with the phone in E.164. Parsed with the `rules` of its clinic as context."""

    @classmethod
    def rules(cls, settings: ClinicSettings, today: dt.date) -> dict[str, object]:
        """What a form is judged by: the region of phone numbers without a country, and what is future."""
        return {"region": settings.region, "today": today}

    @property
    def full_name(self) -> str:
        """The name, however it was sent."""
        return self.name or f"{self.given_name} {self.family_name}"

    @model_validator(mode="after")
    def _named(self) -> "PatientForm":
        if not self.name and not (self.given_name and self.family_name):
            raise ValueError("needs a name")
        return self

    @field_validator("phone")
    @classmethod
    def _possible(cls, phone: str, info: ValidationInfo) -> str:
        """Possible, not valid: numbers that are kept for fiction and tests are possible only."""
        assert info.context
        try:
            number = phonenumbers.parse(phone, info.context["region"])
        except phonenumbers.NumberParseException:
            raise ValueError("is not a phone number") from None
        if not phonenumbers.is_possible_number(number):
            raise ValueError("is not a possible phone number")
        return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)

    @field_validator("date_of_birth")
    @classmethod
    def _born(cls, date: dt.date | None, info: ValidationInfo) -> dt.date | None:
        assert info.context
        if date is not None and not EARLIEST_BIRTH <= date <= info.context["today"]:
            raise ValueError("must be between 1900-01-01 and today")
        return date
