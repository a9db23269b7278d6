"""The schemas of changes are the rule: `null` is allowed where it clears something, and refused where they do not have it."""

import datetime as dt
from typing import Any

import orjson
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError

from services.booking.schemas import PatchForm
from services.gateway.schemas import SettingsIn
from shared.contracts.clinics import SettingsPatch
from shared.contracts.directory import CategoryPatch, DoctorPatch, PriceRangePatch
from shared.contracts.patients import PatientPatch
from shared.contracts.shapes import Patch

JUDGES: dict[type[Patch], type[Patch]] = {
    SettingsPatch: SettingsIn, PatientPatch: PatchForm,
    **{one: one for one in (CategoryPatch, PriceRangePatch, DoctorPatch)},
}  # fmt: skip
"""By the shape that is documented, what judges a body of it."""
CONTEXT = {"region": "GB", "today": dt.date(2030, 1, 1)}


def documented(patch: type[BaseModel]) -> dict[str, Any]:
    properties: dict[str, Any] = TypeAdapter(patch).json_schema()["properties"]
    return properties


FIELDS = [(patch, name) for patch in JUDGES for name in patch.model_fields]


@pytest.mark.parametrize(("patch", "name"), FIELDS)
def test_null_is_documented_where_it_is_taken(patch: type[Patch], name: str) -> None:
    schema = documented(patch)[name]
    allowed = "null" in {schema.get("type"), *(kind.get("type") for kind in schema.get("anyOf", ()))}
    assert refused_fields(patch, name) == ([] if allowed else [(name,)])
    assert "default" not in schema, "what is left out stays"


def refused_fields(patch: type[Patch], name: str) -> list[tuple[int | str, ...]]:
    """The fields that are refused of a body whose only field is null."""
    try:
        JUDGES[patch].model_validate_json(orjson.dumps({name: None}), strict=True, context=CONTEXT)
    except ValidationError as error:
        return [one["loc"] for one in error.errors()]
    return []


def test_every_shape_of_a_change_is_judged_here() -> None:
    """A model that judges is a subclass of what it judges."""
    assert {one for one in Patch.__subclasses__() if one.__module__.startswith("shared.")} == set(JUDGES)
