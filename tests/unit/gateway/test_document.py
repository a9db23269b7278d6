"""The OpenAPI document: stable names for all operations, and examples that are what they claim to be."""

import re
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import pytest
from fastapi.openapi.models import OpenAPI
from pydantic import BaseModel
from starlette.testclient import TestClient

from services.gateway.app import create_app
from services.gateway.http.reading import read_command
from services.gateway.openapi import appointments, calendar, clinic, displacement, doctors, patients
from services.gateway.schemas import BOOKING_FORMS, MOVE_FORMS, CancelIn, CheckInIn, CommandView, HealthView
from services.gateway.settings import Settings
from shared.contracts.appointments import AppointmentPage, AppointmentView, History
from shared.contracts.availability import DayView
from shared.contracts.calendar import (
    ClosedIn,
    DayAnswer,
    DayIn,
    ExceptionPage,
    ExceptionView,
    ScheduleAnswer,
    ScheduleIn,
    ScheduleView,
    SlotPage,
)
from shared.contracts.clinics import ClinicAnswer, ClinicSettings, ClinicView, SettingsPatch
from shared.contracts.directory import (
    CategoryIn,
    CategoryPage,
    CategoryPatch,
    CategoryView,
    DoctorAnswer,
    DoctorIn,
    DoctorPage,
    DoctorPatch,
    DoctorView,
    PriceRangeIn,
    PriceRangePage,
    PriceRangePatch,
    PriceRangeView,
)
from shared.contracts.displacement import DisplaceAnswer, DisplaceIn
from shared.contracts.patients import MergeIn, PatientIn, PatientPage, PatientPatch, PatientView
from shared.contracts.queue import QueueEntryView, QueuePage
from shared.contracts.shapes import Deleted
from tests.unit.gateway.parts import request_with
from tests.unit.gateway.test_settings import ENVIRONMENT

OPERATIONS = {
    "get_health", "get_clinic", "update_clinic", "create_patient", "list_patients", "get_patient", "update_patient",
    "delete_patient", "merge_patients", "create_category", "list_categories", "get_category", "update_category",
    "delete_category", "create_price_range", "list_price_ranges", "get_price_range", "update_price_range", "delete_price_range",
    "create_doctor", "list_doctors", "get_doctor", "update_doctor", "delete_doctor", "set_availability", "get_availability",
    "put_schedule", "get_schedule", "create_exception", "list_exceptions", "get_exception", "delete_exception", "list_slots",
    "create_appointment", "list_appointments", "get_appointment", "confirm_appointment", "reschedule_appointment",
    "get_appointment_history", "cancel_appointment", "delete_appointment",
    "list_doctor_appointments", "get_command", "create_checkin", "get_queue", "displace_appointments",
}  # fmt: skip

MODELS = (
    AppointmentPage, AppointmentView, CategoryPage, CategoryView, ClinicAnswer, ClinicView, CommandView, DayAnswer, DayView,
    Deleted, DisplaceAnswer, DoctorPage, DoctorAnswer, DoctorView, ExceptionPage, ExceptionView, HealthView, History, PatientPage,
    PatientView, PriceRangePage, PriceRangeView,
    QueueEntryView, QueuePage, ScheduleAnswer, ScheduleView, SlotPage,
)  # fmt: skip


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return create_app(Settings.from_environment(ENVIRONMENT)).openapi()


def operations(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [operation for path in document["paths"].values() for operation in path.values()]


def test_it_has_the_shape_of_openapi(document: dict[str, Any]) -> None:
    read = OpenAPI.model_validate(document)
    assert read.openapi.startswith("3.1.") and set(read.paths or ()) == set(document["paths"])


def test_the_headers_that_are_shared_are_all_used(document: dict[str, Any]) -> None:
    used = set(re.findall(r"#/components/headers/([\w-]+)", str(document)))
    assert used == set(document["components"]["headers"])


def test_every_operation_has_its_name(document: dict[str, Any]) -> None:
    assert {operation["operationId"] for operation in operations(document)} == OPERATIONS


def test_every_operation_belongs_to_a_described_subject(document: dict[str, Any]) -> None:
    described = {tag["name"] for tag in document["tags"]}
    assert {tag for operation in operations(document) for tag in operation["tags"]} == described


def test_every_operation_shows_what_it_answers(document: dict[str, Any]) -> None:
    for operation in operations(document):
        for status, answer in operation["responses"].items():
            content = answer.get("content", {})
            shown = [media for media in content.values() if media.get("example") or media.get("examples")]
            assert len(shown) == len(content) and (content or status == "204"), (operation["operationId"], status)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    names = set(re.findall(r"#/components/schemas/(\w+)", str(document)))
    assert names <= set(document["components"]["schemas"])
    assert "HTTPValidationError" not in names


@pytest.mark.parametrize(
    ("model", "example"),
    [
        (CancelIn, appointments.CANCEL_BODY), (CheckInIn, appointments.CHECK_IN_BODY),
        (DoctorIn, doctors.BODY), (DoctorPatch, doctors.PATCH), (CategoryIn, doctors.CATEGORY_BODY),
        (CategoryPatch, doctors.CATEGORY_BODY), (PriceRangeIn, doctors.PRICE_RANGE_BODY),
        (PriceRangePatch, doctors.PRICE_RANGE_PATCH), (PatientIn, patients.BODY), (PatientPatch, patients.PATCH),
        (MergeIn, patients.MERGE), (DayIn, calendar.DAY_BODY), (ScheduleIn, calendar.SCHEDULE_BODY),
        (ClosedIn, calendar.EXCEPTION_BODY), (SettingsPatch, clinic.PATCH), (DisplaceIn, displacement.DISPLACE_BODY),
    ],
)  # fmt: skip
def test_examples_of_bodies_are_valid(model: type[BaseModel], example: dict[str, Any]) -> None:
    assert model.model_validate(example)


@pytest.mark.parametrize(("forms", "bodies"), [
    (BOOKING_FORMS, appointments.BOOKING_BODIES), (MOVE_FORMS, appointments.MOVE_BODIES),
])  # fmt: skip
async def test_every_form_of_a_body_has_its_example(
    document: dict[str, Any], forms: Sequence[type[BaseModel]], bodies: dict[str, dict[str, Any]]
) -> None:
    read = [(await read_command(request_with(body), *forms)).body for body in bodies.values()]
    assert {type(body) for body in read} == set(forms)
    shown = {name: {"value": body} for name, body in bodies.items()}
    assert any(_body_of(operation).get("examples") == shown for operation in operations(document))


def _body_of(operation: dict[str, Any]) -> dict[str, Any]:
    return dict(operation.get("requestBody", {}).get("content", {}).get("application/json", {}))


def test_examples_of_answers_are_what_the_routes_answer(document: dict[str, Any]) -> None:
    """`documents` makes them of the models; this holds each to the model that its own route names."""
    models = {model.__name__: model for model in MODELS}
    checked = 0
    for operation in operations(document):
        for answer in operation["responses"].values():
            media = answer.get("content", {}).get("application/json", {})
            if "example" in media:
                models[media["schema"]["$ref"].rpartition("/")[2]].model_validate(media["example"])
                checked += 1
    assert checked >= len(OPERATIONS)


def test_every_operation_of_the_api_refuses_a_parameter_that_it_does_not_have(document: dict[str, Any]) -> None:
    client = TestClient(create_app(Settings.from_environment(ENVIRONMENT)))
    asked = 0
    for path, methods in document["paths"].items():
        if not path.startswith("/api/"):
            continue
        for method in methods:
            url = re.sub(r"\{\w+\}", str(UUID(int=1)), path)
            answer = client.request(method, f"{url}?colour=blue&{'x' * 100}=1")
            assert answer.status_code == 422, (method, path)
            assert [error["field"] for error in answer.json()["errors"]] == ["colour", "x" * 64], (method, path)
            asked += 1
    assert asked == len(OPERATIONS) - 1  # all but `get_health`


def test_every_setting_of_a_clinic_can_be_changed() -> None:
    """What is read has defaults and no limits, what is sent has limits and no defaults: two lists, of the same names."""
    assert list(SettingsPatch.model_fields) == list(ClinicSettings.model_fields)
