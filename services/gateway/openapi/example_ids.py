"""Who and when the examples are about: the same people on the same day in all of them."""

from datetime import UTC, date, datetime
from uuid import UUID

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DAY = date(2026, 3, 2)


def _id(number: int) -> UUID:
    return UUID(f"0195a1de-0000-7000-8000-{number:012d}")


DOCTOR, PATIENT, APPOINTMENT, SLOT, ENTRY, COMMAND = map(_id, range(1, 7))
CATEGORY, PRICE_RANGE, LOCATION, EXCEPTION, SURVIVOR, OTHER_SLOT = map(_id, range(7, 13))
CLINIC = UUID("00000000-0000-7000-8000-000000000001")
