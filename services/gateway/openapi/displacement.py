"""Examples of moving what is displaced."""

from datetime import UTC, date, datetime
from typing import Any

from services.gateway.openapi import example_ids as ids
from shared.contracts.displacement import DisplaceAnswer, Moved, NotMoved, PlaceView
from shared.contracts.problem_kinds import PROBLEMS
from shared.contracts.problems import Code


def _place(day: date, hour: int) -> PlaceView:
    start = datetime(day.year, day.month, day.day, hour, tzinfo=UTC)
    return PlaceView(
        doctor_id=ids.DOCTOR, date=day, slot=4, slot_id=ids.SLOT, location_id=ids.LOCATION, starts_at=start,
        ends_at=start.replace(minute=15),
    )  # fmt: skip


_OLD: dict[str, Any] = {
    "appointment_id": ids.APPOINTMENT, "patient_id": ids.PATIENT, "from": _place(ids.DAY, 9), "command_id": ids.COMMAND,
}  # fmt: skip
_MOVED = Moved.model_validate({**_OLD, "to": _place(date(2026, 3, 9), 9)})
_BUSY = NotMoved.model_validate({**_OLD, "code": Code.PATIENT_BUSY, "reason": PROBLEMS[Code.PATIENT_BUSY].title})

DISPLACED = DisplaceAnswer(moved=[_MOVED], moving=[], not_moved=[_BUSY], left=0)
DISPLACING = DisplaceAnswer(moved=[], moving=[_MOVED], not_moved=[], left=0)
DISPLACE_BODY = {"from": str(ids.DAY), "to": "2026-03-06", "policy": "same_doctor", "dry_run": False}
