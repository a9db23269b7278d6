"""The forms of patients that clients send, judged by booking alone and beyond their shape: every bad field is named at once.

All forms are parsed with the `rules` of their clinic as context. What is judged is put into one spelling: phones in E.164 with
their extension in a field of its own, NHS numbers in plain digits, postcodes and e-mail addresses as their rules write them.
Reasons never repeat what was sent.
"""

import datetime as dt
import re
from typing import Annotated

from email_validator import EmailNotValidError, validate_email
from nhs_number.standardise import standardise_format
from nhs_number.validate import calculate_checksum
from pydantic import BaseModel, Field, StringConstraints, ValidationInfo, field_validator, model_validator

from services.booking.domain import phones
from services.booking.domain.phones import Phone
from services.booking.domain.postcodes import formatted
from shared.contracts.clinics import ClinicSettings
from shared.contracts.patients import ExtensionText, NhsText, PatientIn, PatientLine, PatientPatch
from shared.contracts.shapes import Name, Strict
from shared.contracts.text import plain

EARLIEST_BIRTH = dt.date(1900, 1, 1)
PARTS = ("given_name", "family_name")


class Judged(BaseModel):
    """How booking judges the fields that any form of a patient has."""

    @classmethod
    def rules(cls, settings: ClinicSettings, today: dt.date) -> dict[str, object]:
        """What a form is judged by: the region of phone numbers without a country, and what is future."""
        return {"region": settings.region, "today": today}

    @field_validator("phone", check_fields=False)
    @classmethod
    def _read(cls, phone: str | None, info: ValidationInfo) -> Phone | None:
        assert info.context
        return None if phone is None else phones.read(phone, info.context["region"])

    @field_validator("phone_extension", check_fields=False)
    @classmethod
    def _dialled(cls, extension: str | None, info: ValidationInfo) -> str | None:
        """The extension by itself, or the one that stands in the phone, which is judged before."""
        digits = None if extension is None else plain(extension)
        if digits is not None and not re.fullmatch("[0-9]{1,20}", digits):
            raise ValueError("must be 1 to 20 digits")
        phone = info.data.get("phone")
        in_phone = phone.extension if isinstance(phone, Phone) else None
        if digits and in_phone and digits != in_phone:
            raise ValueError("is another than the one in `phone`")
        return digits or in_phone

    @field_validator("date_of_birth", check_fields=False)
    @classmethod
    def _born(cls, date: dt.date | None, info: ValidationInfo) -> dt.date | None:
        assert info.context
        if date is not None and not EARLIEST_BIRTH <= date <= info.context["today"]:
            raise ValueError("must be between 1900-01-01 and today")
        return date

    @field_validator("nhs_number", check_fields=False)
    @classmethod
    def _checked(cls, number: str | None) -> str | None:
        """Ten digits with the right check digit, which ten equal ones have, too. The library's `is_valid` knows more, and refuses
        numbers by their region."""
        if number is None:
            return None
        typed = re.sub("[ -]", "", plain(number))
        digits = standardise_format(typed) if typed.isascii() else ""
        if digits and len(set(digits)) == 1:
            raise ValueError("is a placeholder: leave it out if there is no NHS number")
        if not digits or calculate_checksum(digits[:9]) != int(digits[9]):
            raise ValueError("is not an NHS number")
        return digits

    @field_validator("email", check_fields=False)
    @classmethod
    def _written(cls, email: str | None) -> str | None:
        """By its form: nobody is asked whether it can be reached."""
        try:
            return email and validate_email(email, check_deliverability=False).normalized
        except EmailNotValidError:
            raise ValueError("is not an e-mail address") from None

    @field_validator("postcode", check_fields=False)
    @classmethod
    def _formatted(cls, postcode: str | None) -> str | None:
        written = postcode and formatted(plain(postcode))
        if postcode and not written:
            raise ValueError("is not a postcode of the United Kingdom")
        return written


class PatientForm(Judged, PatientIn):
    """A patient to register. `name` is set, however it was sent."""

    name: Name | None = Field(default=None, validate_default=True)
    phone_extension: ExtensionText | None = Field(default=None, validate_default=True)

    @field_validator("name")
    @classmethod
    def _named(cls, name: str | None, info: ValidationInfo) -> str | None:
        """One name, from the parts that were judged before it; a bad part is named by itself."""
        if any(part not in info.data for part in PARTS):
            return name
        given, family = (info.data[part] for part in PARTS)
        if name is not None and (given or family):
            raise ValueError("goes without `given_name` and `family_name`")
        if name is None and not (given and family):
            raise ValueError("is required, or `given_name` and `family_name`")
        return name or f"{given} {family}"


class LineForm(PatientForm, PatientLine):
    """A patient of an import."""


class PatchForm(Judged, PatientPatch):
    """Changes of a patient; a name in parts is sent whole."""

    phone_extension: ExtensionText | None = Field(default=None, validate_default=True)

    @model_validator(mode="after")
    def _named(self) -> "PatchForm":
        parts = [part for part in PARTS if part in self.model_fields_set]
        if parts and ("name" in self.model_fields_set or not (self.given_name and self.family_name)):
            raise ValueError("a name is `name`, or both `given_name` and `family_name`")
        return self

    @property
    def changes(self) -> dict[str, object]:
        """What is to be changed, by field."""
        sent = self.sent()
        if self.given_name:
            sent["name"] = f"{self.given_name} {self.family_name}"
        if self.phone_extension:
            sent["phone_extension"] = self.phone_extension
        return {field: value for field, value in sent.items() if field not in PARTS}


class SearchForm(Judged, Strict):
    """Whom a search finds: exactly by numbers; every word of the name begins a word of theirs."""

    phone: Annotated[str, StringConstraints(max_length=40)] | None = None
    """Its leading blank tells something, so that it is not stripped before it is read."""
    nhs_number: NhsText | None = None
    name: Name | None = None

    @field_validator("phone")
    @classmethod
    def _read(cls, phone: str | None, info: ValidationInfo) -> Phone | None:
        assert info.context
        return None if phone is None else phones.read_of_query(phone, info.context["region"])
