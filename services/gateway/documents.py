"""What the OpenAPI document says beside the routes' own types: bodies read by hand, examples, headers. Used by routes."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from services.gateway.answer_headers import OF_COMMANDS, OF_REGISTRATIONS, OF_RUNNING, of_refusal, references
from services.gateway.schemas import CommandStatus, CommandView, HealthView
from shared.contracts.availability import DayView, Mode
from shared.contracts.booking import AppointmentPage, AppointmentView, Status
from shared.contracts.directory import DoctorPage, DoctorView
from shared.contracts.patients import PatientView
from shared.contracts.problems import Code
from shared.contracts.queue import QueueEntryView, QueuePage, State
from shared.contracts.registry import Active
from shared.infra.problems import problem_responses

DESCRIPTION = """\
The scheduling core of clinics. Commands (book, cancel, check in) are answered with their final status, or with `202` and a
`Location` to ask again. Every error is a problem of RFC 9457 with a `code` of a closed list. An `Idempotency-Key` makes a repeat
safe: it gets the stored answer, marked by `Idempotent-Replayed: true`.
"""
TAGS = [
    {"name": "Patients", "description": "Who is booked."},
    {"name": "Doctors", "description": "Who is booked with, and on which days."},
    {"name": "Appointments", "description": "Booking and cancelling."},
    {"name": "Check-in", "description": "Who is here, and the queue in front of the doctor."},
    {"name": "Commands", "description": "What became of a command."},
    {"name": "System", "description": "How the system is."},
]

_AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
_DOCTOR = UUID("0195a1de-0000-7000-8000-000000000001")
_PATIENT = UUID("0195a1de-0000-7000-8000-000000000002")
_APPOINTMENT = UUID("0195a1de-0000-7000-8000-000000000003")
_SLOT = UUID("0195a1de-0000-7000-8000-000000000004")
_ENTRY = UUID("0195a1de-0000-7000-8000-000000000005")
_COMMAND = UUID("0195a1de-0000-7000-8000-000000000006")
_DAY = date(2026, 3, 2)

DOCTOR = DoctorView(id=_DOCTOR, code="ada-osei", name="Dr Ada Osei", languages=["en"], status=Active.ACTIVE, version=1)
PATIENT = PatientView(
    id=_PATIENT, name="Maya Lind", phone="+447700900123", date_of_birth=date(1990, 4, 12), status=Active.ACTIVE, version=1,
    created_at=_AT, updated_at=_AT,
)  # fmt: skip
DAY = DayView(doctor_id=_DOCTOR, date=_DAY, mode=Mode.DAILY, available=True, capacity=10, remaining=7)
APPOINTMENT = AppointmentView(
    id=_APPOINTMENT, doctor_id=_DOCTOR, patient_id=_PATIENT, date=_DAY, slot=4, slot_id=_SLOT, status=Status.BOOKED, version=1,
    created_at=_AT, updated_at=_AT,
)  # fmt: skip
CANCELLED = APPOINTMENT.model_copy(update={"status": Status.CANCELLED, "version": 2})
ENTRY = QueueEntryView(
    id=_ENTRY, appointment_id=_APPOINTMENT, doctor_id=_DOCTOR, patient_id=_PATIENT, date=_DAY, position=1, state=State.WAITING,
    checked_in_at=_AT,
)  # fmt: skip
RUNNING = CommandView(command_id=_COMMAND, type="BookAppointment", status=CommandStatus.RUNNING, accepted_at=_AT)
SUCCEEDED = CommandView(
    command_id=_COMMAND, type="BookAppointment", status=CommandStatus.SUCCEEDED, status_code=201,
    result=APPOINTMENT.model_dump(mode="json"), accepted_at=_AT, decided_at=_AT,
)  # fmt: skip
HEALTH = HealthView(
    status="ok",
    services=dict.fromkeys(("gateway", "availability", "booking", "queue"), "ok"),
    stores=dict.fromkeys(("postgres", "kafka", "redis"), "ok"),
)
SICK = HEALTH.model_copy(update={"status": "unavailable", "stores": {**HEALTH.stores, "redis": "failed: TimeoutError"}})
DOCTORS, APPOINTMENTS, QUEUE = DoctorPage(items=[DOCTOR]), AppointmentPage(items=[APPOINTMENT]), QueuePage(items=[ENTRY])

BOOKING_BODY = {"doctor_id": str(_DOCTOR), "patient_id": str(_PATIENT), "date": str(_DAY)}
CHECK_IN_BODY = {"appointment_id": str(_APPOINTMENT), "patient_id": str(_PATIENT)}
CANCEL_BODY = {"reason": "patient"}
DOCTOR_BODY = {"name": "Dr Ada Osei", "code": "ada-osei", "languages": ["en"]}
PATIENT_BODY = {"name": "Maya Lind", "phone": "+44 7700 900123", "date_of_birth": "1990-04-12"}
DAY_BODY = {"date": str(_DAY), "capacity": 8, "available": True}

_KEY = {
    "name": "Idempotency-Key", "in": "header", "required": False,
    "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[\\x20-\\x7e]+$"},
    "description": "Makes the request safe to repeat",
}  # fmt: skip
_PREFER = {
    "name": "Prefer", "in": "header", "required": False, "schema": {"type": "string"}, "example": "wait=5",
    "description": "`wait=N` seconds (5, at most 30) for the final answer, or `respond-async`",
}  # fmt: skip
COMMAND_CODES = (
    Code.INVALID_HEADER, Code.KEY_REUSED, Code.TOO_LATE, Code.LOST, Code.INTERNAL, Code.NOT_ACCEPTED, Code.UNKNOWN_OUTCOME,
)  # fmt: skip
MADE = ("Location", *OF_REGISTRATIONS)
"""What the answer to a registration carries that made something."""
BODY_CODES = (Code.INVALID_JSON, Code.BODY_TOO_LARGE, Code.VALIDATION_FAILED)


def posts(model: type[BaseModel], example: dict[str, Any], *, required: bool = True, command: bool = False) -> dict[str, Any]:
    """The `openapi_extra` of a route that reads its body itself."""
    schema = _inlined(model.model_json_schema())
    content = {"application/json": {"schema": schema, "example": example}}
    return {"requestBody": {"content": content, "required": required}, **headers(command=command)}


def headers(*, command: bool) -> dict[str, Any]:
    """The `openapi_extra` of a route that takes a key, and of a command also how long to wait."""
    return {"parameters": [_KEY, _PREFER] if command else [_KEY]}


Responses = dict[int | str, dict[str, Any]]
"""The `responses=` of a route."""


def answers(status: int, example: BaseModel, *codes: Code, command: bool = False, carries: Iterable[str] = ()) -> Responses:
    """What a route answers, with an example, and the problems that it may refuse with.

    `carries` names the headers of the answer beside those that every command's has.
    """
    said: Responses = {status: _example(example, "As asked for", (*carries, *(OF_COMMANDS if command else ())))}
    if command:
        said |= also(202, RUNNING, "Still running: ask at `Location`", OF_RUNNING)
    refused = problem_responses(*codes, *(COMMAND_CODES if command else ()), Code.UNAVAILABLE)
    for refusal, answer in refused.items():
        answer["headers"] = references(of_refusal(int(refusal), command=command))
    return said | refused


def also(status: int, example: BaseModel, description: str, carries: Iterable[str] = ()) -> Responses:
    """One more answer of a route."""
    return {status: _example(example, description, carries) | {"model": type(example)}}


def bare(status: int, description: str, carries: Iterable[str] = ()) -> Responses:
    """One more answer of a route, without a body."""
    return {status: {"description": description, "headers": references(carries)}}


def _example(example: BaseModel, description: str, carries: Iterable[str]) -> dict[str, Any]:
    content = {"application/json": {"example": example.model_dump(mode="json")}}
    return {"description": description, "headers": references(carries), "content": content}


def _inlined(schema: dict[str, Any]) -> dict[str, Any]:
    """A schema without references: it stands in the route, not among the components."""
    definitions = schema.pop("$defs", {})

    def resolve(node: Any) -> Any:
        if isinstance(node, dict):
            name = str(node.get("$ref", "")).rpartition("/")[2]
            return resolve(definitions[name]) if name else {key: resolve(value) for key, value in node.items()}
        return [resolve(item) for item in node] if isinstance(node, list) else node

    resolved: dict[str, Any] = resolve(schema)
    return resolved
