"""The shapes of calls about the directory: doctors with their locations, and the static tables of categories and price ranges."""

import re
from typing import Annotated
from uuid import UUID

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    StringConstraints,
    TypeAdapter,
    ValidationInfo,
    WrapValidator,
    field_validator,
)

from shared.contracts.appointments import AppointmentView
from shared.contracts.clinics import Zone
from shared.contracts.envelope import Wire
from shared.contracts.shapes import KEPT, Active, AddressText, Language, Name, Patch, Strict

Translations = Annotated[dict[Language, AddressText], Field(min_length=1, max_length=20)]
"""An address by language tag (BCP 47). The first one is what readers of none of these languages get."""
ExternalId = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
CODE_LENGTH = 64
CODE_PATTERN = r"^[A-Za-z0-9._/-]+$"


def _only_code_characters(value: str) -> str:
    if not re.fullmatch(CODE_PATTERN, value):
        raise ValueError("may have letters (A to Z, a to z), digits and . _ - / only")
    return value


DoctorCode = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=CODE_LENGTH),
    AfterValidator(_only_code_characters),
    Field(json_schema_extra={"pattern": CODE_PATTERN}),
]
"""What a clinic calls a doctor by (`DR-001`, `GMC7654321`): kept as written, unique in a clinic whatever its case."""


def code_key(code: str) -> str:
    """A code as codes are compared everywhere: in lower case. The database's index says the same."""
    return code.lower()


Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
"""ISO 4217."""
MAX_AMOUNT = 10**12
MAX_LANGUAGES = 20
_TAG = r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*"
_LANGUAGES = rf"^ *{_TAG}( *; *{_TAG}){{0,{MAX_LANGUAGES - 1}}} *;? *$"


class CategoryIn(Strict):
    """A category (specialty) to make."""

    name: Name


class CategoryPatch(Patch):
    """A category's new name."""

    name: Annotated[Name | None, KEPT] = None


class CategoryView(Wire):
    """A category with its row's version."""

    id: UUID
    name: str
    version: int


class CategoryPage(Wire):
    """Categories in order of name."""

    items: list[CategoryView]
    next_cursor: str | None = None


class PriceRangeIn(Strict):
    """A price range to make. `min` and `max` are whole minor units of the currency (pence, cents), `max` not below `min`."""

    name: Name
    currency: Currency
    min: int = Field(ge=0, le=MAX_AMOUNT)
    max: int = Field(ge=0, le=MAX_AMOUNT)

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int, info: ValidationInfo) -> int:
        if value < info.data.get("min", value):
            raise ValueError("must be `min` or more")
        return value


class PriceRangePatch(Patch):
    """Changes of a price range; none of its fields can be cleared."""

    name: Annotated[Name | None, KEPT] = None
    currency: Annotated[Currency | None, KEPT] = None
    min: Annotated[int | None, Field(ge=0, le=MAX_AMOUNT), KEPT] = None
    max: Annotated[int | None, Field(ge=0, le=MAX_AMOUNT), KEPT] = None


class PriceRangeView(Wire):
    """A price range with its row's version."""

    id: UUID
    name: str
    currency: str
    min: int
    max: int
    version: int


class PriceRangePage(Wire):
    """Price ranges in order of name."""

    items: list[PriceRangeView]
    next_cursor: str | None = None


_TEXT, _TEXTS = TypeAdapter[str](AddressText), TypeAdapter[dict[str, str]](Translations)


def _text_or_texts(value: object, _handler: object) -> str | dict[str, str]:
    """Judged as what it is: a union's own errors would name its branches as if they were fields."""
    return _TEXTS.validate_python(value) if isinstance(value, dict) else _TEXT.validate_python(value)


def _with_address(value: object) -> object:
    return {"address": value} if isinstance(value, str) else value


class LocationIn(Strict):
    """Where a doctor works. The one of `id` becomes what is said here; without `time_zone` the clinic's counts."""

    id: UUID | None = None
    name: Name | None = None
    address: Annotated[AddressText | Translations, WrapValidator(_text_or_texts)]
    time_zone: Zone | None = None


_Location = Annotated[LocationIn, BeforeValidator(_with_address, json_schema_input_type=AddressText | LocationIn)]
Locations = Annotated[list[_Location], Field(max_length=50)]
"""Plain addresses, or locations with more to them."""


class DoctorIn(Strict):
    """A doctor to register; without `code` it is made from the name."""

    name: Name
    code: DoctorCode | None = None
    category_id: UUID | None = None
    price_range_id: UUID | None = None
    locations: Locations = Field(default=[])
    languages: list[Language] = Field(default=[], max_length=MAX_LANGUAGES)


class DoctorPatch(Patch):
    """Changes of a doctor. `locations` is the whole list: one that it leaves out is removed, unless the schedule needs it."""

    name: Annotated[Name | None, KEPT] = None
    code: Annotated[DoctorCode | None, KEPT] = None
    category_id: UUID | None = None
    price_range_id: UUID | None = None
    locations: Annotated[Locations | None, KEPT] = None
    languages: Annotated[list[Language] | None, Field(max_length=MAX_LANGUAGES), KEPT] = None


class CategoryOf(Wire):
    """The category of a doctor."""

    id: UUID
    name: str


class PriceRangeOf(Wire):
    """The price range of a doctor, in minor units of the currency."""

    id: UUID
    name: str
    currency: str
    min: int
    max: int


class LocationView(Wire):
    """A location with its address in the reader's language; all languages in `translations`, if asked for."""

    id: UUID
    name: str | None
    address: str
    time_zone: str
    translations: dict[str, str] | None = None


class DoctorView(Wire):
    """A doctor as clients read it."""

    id: UUID
    code: str
    name: str
    category: CategoryOf | None = None
    price_range: PriceRangeOf | None = None
    languages: list[str]
    locations: list[LocationView] = Field(default=[])
    status: Active
    version: int


class DoctorPut(DoctorView):
    """What availability answers to a change: the doctor, and the appointments whose wall time is another one by it."""

    wall_time_changed_ids: list[UUID] = Field(default=[])


class DoctorAnswer(DoctorView):
    """What the client is answered to a change.

    `wall_time_changed` are live appointments for which a clock shows another time than they were booked for, as a location has
    another zone: their instant stays. `wall_time_changed_incomplete` says that booking could not tell of all.
    """

    wall_time_changed: list[AppointmentView]
    wall_time_changed_incomplete: bool = False


class DoctorPage(Wire):
    """A page of doctors in order of code."""

    items: list[DoctorView]
    next_cursor: str | None = None


class DoctorLine(Strict):
    """One line of an import: one location at most, its `address` plain; languages apart by `;`."""

    external_id: ExternalId | None = None
    name: Name
    code: DoctorCode | None = None
    category: Name | None = None
    price_range: Name | None = None
    languages: Annotated[str, StringConstraints(pattern=_LANGUAGES, max_length=800)] | None = None
    location: Name | None = None
    time_zone: Zone | None = None
    address: AddressText | None = Field(default=None, validate_default=True)

    @field_validator("address")
    @classmethod
    def _of_the_location(cls, value: str | None, info: ValidationInfo) -> str | None:
        if value is None and (info.data.get("location") or info.data.get("time_zone")):
            raise ValueError("is required")
        return value
