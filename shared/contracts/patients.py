"""The shapes of calls about patients. They hold what no message may: names, numbers, addresses."""

import datetime as dt
from datetime import datetime
from typing import Annotated
from uuid import UUID

from pydantic import StringConstraints

from shared.contracts.envelope import Wire
from shared.contracts.shapes import KEPT, SEEN, Active, AddressText, IsoDate, Name, Patch, Strict

PhoneText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
"""A phone number in any format, perhaps with an extension; the owner stores E.164, and the extension by itself."""
ExtensionText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
"""The digits that are dialled behind a phone number, which others share."""
EmailText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=3, max_length=254)]
NhsText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=20)]
"""Ten digits, with spaces or hyphens or without."""
PostcodeText = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=16)]
NamePart = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=99), SEEN]
"""Two of them with a space between make a `Name`."""


class PatientIn(Strict):
    """A patient to register: `name`, or both `given_name` and `family_name`."""

    given_name: NamePart | None = None
    family_name: NamePart | None = None
    name: Name | None = None
    phone: PhoneText
    phone_extension: ExtensionText | None = None
    email: EmailText | None = None
    date_of_birth: IsoDate | None = None
    nhs_number: NhsText | None = None
    postcode: PostcodeText | None = None
    address: AddressText | None = None


class PatientPatch(Patch):
    """Changes of a patient; the name and `phone` cannot be cleared. Another `phone` takes its extension along."""

    given_name: Annotated[NamePart | None, KEPT] = None
    family_name: Annotated[NamePart | None, KEPT] = None
    name: Annotated[Name | None, KEPT] = None
    phone: Annotated[PhoneText | None, KEPT] = None
    phone_extension: ExtensionText | None = None
    email: EmailText | None = None
    date_of_birth: IsoDate | None = None
    nhs_number: NhsText | None = None
    postcode: PostcodeText | None = None
    address: AddressText | None = None


class PatientView(Wire):
    """A patient as clients read it. `phone` is E.164, `nhs_number` is grouped 3-3-4.

    `merged_into` is set where the patient that was asked for was merged into another: the answer is the other's.
    """

    id: UUID
    name: str
    phone: str
    phone_extension: str | None = None
    email: str | None = None
    date_of_birth: dt.date | None
    nhs_number: str | None = None
    postcode: str | None = None
    address: str | None = None
    status: Active
    merged_into: UUID | None = None
    version: int
    created_at: datetime
    updated_at: datetime


class PatientPage(Wire):
    """A page of patients in order of name; `next_cursor` is opaque."""

    items: list[PatientView]
    next_cursor: str | None = None


class MergeIn(Strict):
    """Who survives the merge."""

    into: UUID


class PatientLine(PatientIn):
    """One line of an import. `external_id` is the patient's id in the system that it comes from."""

    external_id: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)] | None = None
