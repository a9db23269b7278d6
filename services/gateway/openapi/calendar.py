"""Examples of a doctor's calendar."""

from datetime import UTC, date, datetime

from services.gateway.openapi import example_ids as ids
from services.gateway.openapi.appointments import APPOINTMENT
from shared.contracts.appointments import Reason
from shared.contracts.availability import DayView, Mode
from shared.contracts.calendar import (
    DayAnswer,
    ExceptionKind,
    ExceptionPage,
    ExceptionView,
    ScheduleAnswer,
    ScheduleEntry,
    ScheduleView,
    SlotPage,
    SlotStatus,
    SlotView,
    Weekday,
)

_WEEK = [
    ScheduleEntry(weekday=Weekday.MON, start="09:00", end="12:00", location_id=ids.LOCATION, valid_from=date(2026, 3, 1)),
    ScheduleEntry(weekday=Weekday.WED, start="13:00", end="17:00", location_id=ids.LOCATION, slot_minutes=20),
]
_START, _END = datetime(2026, 3, 2, 9, 45, tzinfo=UTC), datetime(2026, 3, 2, 10, tzinfo=UTC)
_TIMED = APPOINTMENT.model_copy(update={"location_id": ids.LOCATION, "starts_at": _START, "ends_at": _END})

DAY = DayView(doctor_id=ids.DOCTOR, date=ids.DAY, mode=Mode.DAILY, available=True, capacity=10, remaining=7)
DAY_SET = DayAnswer(**DAY.model_dump(), displaced=[])
DAY_CLOSED = DayAnswer(**DAY.model_copy(update={"available": False}).model_dump(), displaced=[APPOINTMENT])
SCHEDULE = ScheduleView(entries=_WEEK, version=3)
SCHEDULED = ScheduleAnswer(entries=_WEEK, version=3, displaced=[_TIMED])
CLOSED = ExceptionView.model_validate({
    "id": ids.EXCEPTION, "kind": ExceptionKind.CLOSED, "from": ids.DAY, "to": date(2026, 3, 6), "reason": Reason.ILL,
    "displaced": [_TIMED],
})  # fmt: skip
TRIED = CLOSED.model_copy(update={"id": None})
EXTRA = ExceptionView(
    id=ids.EXCEPTION, kind=ExceptionKind.EXTRA, date=date(2026, 3, 7), start="09:00", end="11:00", location_id=ids.LOCATION,
    slot_minutes=15, displaced=[],
)  # fmt: skip
EXCEPTIONS = ExceptionPage(items=[CLOSED, EXTRA])
SLOT = SlotView(
    id=ids.SLOT, doctor_id=ids.DOCTOR, location_id=ids.LOCATION, number=4, starts_at=_START,
    ends_at=_END, local_start="2026-03-02T09:45:00+00:00",
    local_end="2026-03-02T10:00:00+00:00", date=ids.DAY, status=SlotStatus.FREE,
)  # fmt: skip
SLOTS = SlotPage(items=[SLOT])

DAY_BODY = {"date": str(ids.DAY), "capacity": 8, "available": True}
SCHEDULE_BODY = {"entries": [entry.model_dump(mode="json") for entry in _WEEK]}
EXCEPTION_BODY = {"kind": "closed", "from": "2026-03-02", "to": "2026-03-06", "reason": "ill"}
