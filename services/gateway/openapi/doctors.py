"""Examples of doctors, and of the static tables that they are found by."""

from services.gateway.openapi import example_ids as ids
from shared.contracts.directory import (
    CategoryOf,
    CategoryPage,
    CategoryView,
    DoctorAnswer,
    DoctorPage,
    DoctorView,
    LocationView,
    PriceRangeOf,
    PriceRangePage,
    PriceRangeView,
)
from shared.contracts.shapes import Active, Deleted

_PRICES = {"name": "Standard", "currency": "GBP", "min": 4500, "max": 9000}
_ADDRESSES = {"en": "12 Harbour Road, London", "zh-Hant": "倫敦海港路12號"}

CATEGORY = CategoryView(id=ids.CATEGORY, name="Dermatology", version=1)
PRICE_RANGE = PriceRangeView.model_validate({"id": ids.PRICE_RANGE, "version": 1, **_PRICES})
LOCATION = LocationView(id=ids.LOCATION, name="Harbour", address=_ADDRESSES["en"], time_zone="Europe/London")
DOCTOR = DoctorView(
    id=ids.DOCTOR, code="ada-osei", name="Dr Ada Osei", category=CategoryOf(id=ids.CATEGORY, name="Dermatology"),
    price_range=PriceRangeOf.model_validate({"id": ids.PRICE_RANGE, **_PRICES}), languages=["en"], locations=[LOCATION],
    status=Active.ACTIVE, version=1,
)  # fmt: skip
CHANGED = DoctorAnswer.model_validate(
    {**DOCTOR.model_dump(), "languages": ["en", "zh-Hant"], "version": 2, "wall_time_changed": []}
)
DELETED = Deleted(id=ids.DOCTOR, appointments_left=3)
CATEGORIES, PRICE_RANGES = CategoryPage(items=[CATEGORY]), PriceRangePage(items=[PRICE_RANGE])
DOCTORS = DoctorPage(items=[DOCTOR])

CATEGORY_BODY = {"name": "Dermatology"}
PRICE_RANGE_BODY = _PRICES
PRICE_RANGE_PATCH = {"max": 9500}
BODY = {
    "name": "Dr Ada Osei", "code": "ada-osei", "languages": ["en"],
    "locations": [{"name": "Harbour", "address": _ADDRESSES, "time_zone": "Europe/London"}],
}  # fmt: skip
PATCH = {"languages": ["en", "zh-Hant"]}
