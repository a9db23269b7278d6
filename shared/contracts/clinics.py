"""The shapes of calls about a clinic and its settings, for the gateway that owns them and its clients."""

from functools import cache
from typing import Annotated
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field

from shared.contracts.appointments import AppointmentView
from shared.contracts.envelope import Wire
from shared.contracts.shapes import KEPT, Patch

MAX_DAILY_CAPACITY = 1_000
"""The first booking of a day makes all its slots in the transaction of its batch: a million were never done in time."""
MAX_HORIZON_DAYS = 730
MAX_HOLD_SECONDS = 86_400
MAX_LEAD_MINUTES = 60 * 24 * 60
MAX_CUTOFF_MINUTES = 60 * 24 * 60


_NO_PLACE = frozenset({"localtime", "Factory"})
"""In the database of zones, but no zone: what `localtime` means is another thing on every machine."""


@cache
def _zones() -> frozenset[str]:
    """Read once: each look goes through the whole database of zones."""
    return frozenset(available_timezones() - _NO_PLACE)


def _known_zone(name: str) -> str:
    if name not in _zones():
        raise ValueError("is not an IANA time zone")
    return name


Zone = Annotated[str, Field(max_length=64), AfterValidator(_known_zone)]
"""An IANA time zone that this system knows."""
Region = Annotated[str, Field(pattern=r"^[A-Z]{2}$")]
"""ISO 3166-1 alpha-2: where phone numbers without a country code are."""


class ClinicSettings(Wire):
    """What a clinic decides for itself. A service that has not heard of a clinic takes these."""

    time_zone: str = "UTC"
    region: str = "GB"
    default_daily_capacity: int = 10
    max_daily_capacity: int = 10
    booking_horizon_days: int = 400
    hold_ttl_seconds: int = 1800
    lead_time_minutes: int = 0
    cancel_cutoff_minutes: int = 0
    one_booking_per_patient_day: bool = False


class ClinicView(Wire):
    """A clinic as its staff read it."""

    id: UUID
    code: str
    settings: ClinicSettings
    version: int


class ClinicAnswer(ClinicView):
    """What the client is answered to a change.

    `wall_time_changed` are live appointments for which a clock shows another time than they were booked for, as the clinic has
    another zone: their instant stays. `wall_time_changed_left` is how many more there are.
    """

    wall_time_changed: list[AppointmentView]
    wall_time_changed_incomplete: bool = False
    wall_time_changed_left: int = 0


class SettingsPatch(Patch):
    """Settings to change; what is left out stays, and none of them can be cleared."""

    time_zone: Annotated[Zone | None, KEPT] = None
    region: Annotated[Region | None, KEPT] = None
    default_daily_capacity: Annotated[int | None, Field(ge=0, le=MAX_DAILY_CAPACITY), KEPT] = None
    max_daily_capacity: Annotated[int | None, Field(ge=1, le=MAX_DAILY_CAPACITY), KEPT] = None
    booking_horizon_days: Annotated[int | None, Field(ge=0, le=MAX_HORIZON_DAYS), KEPT] = None
    hold_ttl_seconds: Annotated[int | None, Field(ge=1, le=MAX_HOLD_SECONDS), KEPT] = None
    lead_time_minutes: Annotated[int | None, Field(ge=0, le=MAX_LEAD_MINUTES), KEPT] = None
    cancel_cutoff_minutes: Annotated[int | None, Field(ge=0, le=MAX_CUTOFF_MINUTES), KEPT] = None
    one_booking_per_patient_day: Annotated[bool | None, KEPT] = None
