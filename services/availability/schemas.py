"""The body of a day as this service judges it: the clinic's own limit is named together with every other bad field."""

from pydantic import ValidationInfo, field_validator

from shared.contracts.calendar import DayIn
from shared.contracts.clinics import ClinicSettings

_LIMIT = "max_daily_capacity"


class DayForm(DayIn):
    """A day to open, close or resize. Parse it with the context of `DayForm.rules`."""

    @staticmethod
    def rules(settings: ClinicSettings) -> dict[str, int]:
        """What a clinic allows."""
        return {_LIMIT: settings.max_daily_capacity}

    @field_validator("capacity")
    @classmethod
    def _within_limit(cls, capacity: int | None, info: ValidationInfo) -> int | None:
        limit: int = (info.context or {})[_LIMIT]
        if capacity is not None and capacity > limit:
            raise ValueError(f"must be {limit} or less")
        return capacity
