"""Examples of appointments, of the queue, and of commands."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.gateway.openapi import example_ids as ids
from services.gateway.schemas import CommandStatus, CommandView
from shared.contracts.appointments import AppointmentPage, AppointmentView, Change, History, Reason, Status
from shared.contracts.displacement import PlaceView
from shared.contracts.queue import QueueEntryView, QueuePage, State

APPOINTMENT = AppointmentView(
    id=ids.APPOINTMENT, doctor_id=ids.DOCTOR, patient_id=ids.PATIENT, date=ids.DAY, slot=4, slot_id=ids.SLOT,
    status=Status.BOOKED, version=1, created_at=ids.AT, updated_at=ids.AT,
)  # fmt: skip
CONFIRMED = APPOINTMENT.model_copy(update={"version": 2})
MOVED = APPOINTMENT.model_copy(update={
    "slot": 12, "slot_id": ids.OTHER_SLOT, "location_id": ids.LOCATION, "version": 3,
    "starts_at": datetime(2026, 3, 2, 14, tzinfo=UTC), "ends_at": datetime(2026, 3, 2, 14, 15, tzinfo=UTC),
})  # fmt: skip
CANCELLED = APPOINTMENT.model_copy(update={"status": Status.CANCELLED, "version": 2})


def _place(appointment: AppointmentView) -> PlaceView:
    return PlaceView.model_validate(appointment, from_attributes=True)


HISTORY = History(items=[
    Change(version=1, event="held", at=ids.AT, actor="open"),
    Change(version=2, event="confirmed", at=ids.AT + timedelta(minutes=4), actor="open"),
    Change.model_validate({
        "version": 3, "event": "moved", "at": ids.AT + timedelta(minutes=9), "actor": "open", "from": _place(APPOINTMENT),
        "to": _place(MOVED),
    }),
    Change(version=4, event="cancelled", at=ids.AT + timedelta(hours=2), actor="open", reason=Reason.PATIENT, note="Has a cold."),
])  # fmt: skip
ENTRY = QueueEntryView(
    id=ids.ENTRY, appointment_id=ids.APPOINTMENT, doctor_id=ids.DOCTOR, patient_id=ids.PATIENT, date=ids.DAY, position=1,
    state=State.WAITING, checked_in_at=ids.AT,
)  # fmt: skip
RUNNING = CommandView(command_id=ids.COMMAND, type="BookAppointment", status=CommandStatus.RUNNING, accepted_at=ids.AT)
SUCCEEDED = CommandView(
    command_id=ids.COMMAND, type="BookAppointment", status=CommandStatus.SUCCEEDED, status_code=201,
    result=APPOINTMENT.model_dump(mode="json"), accepted_at=ids.AT, decided_at=ids.AT,
)  # fmt: skip
APPOINTMENTS, QUEUE = AppointmentPage(items=[APPOINTMENT]), QueuePage(items=[ENTRY])

_PATIENT, _START = (
    {"patient_id": str(ids.PATIENT)},
    {"doctor_id": str(ids.DOCTOR), "starts_at": "2026-03-02T14:00:00Z"},
)
BOOKING_BODIES: dict[str, dict[str, Any]] = {
    "day": {**_PATIENT, "doctor_id": str(ids.DOCTOR), "date": str(ids.DAY)},
    "slot": {**_PATIENT, "slot_id": str(ids.SLOT)},
    "start": {**_PATIENT, **_START, "location_id": str(ids.LOCATION)},
    "hold": {**_PATIENT, "slot_id": str(ids.SLOT), "confirm": False},
}
CHECK_IN_BODY = {"appointment_id": str(ids.APPOINTMENT), "patient_id": str(ids.PATIENT)}
MOVE_BODIES: dict[str, dict[str, Any]] = {
    "slot": {"slot_id": str(ids.OTHER_SLOT)},
    "day": {"date": "2026-03-09"},
    "start": {**_START, "location_id": str(ids.LOCATION)},
}
CANCEL_BODY = {"reason": "patient", "note": "Has a cold."}
