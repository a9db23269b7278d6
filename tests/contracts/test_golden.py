"""Golden messages: what version 1 put on the wire is read by today's code, for ever.

A golden file of a released version is never edited: another is added beside it.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from shared.contracts.appointments import AppointmentView
from shared.contracts.envelope import Message, following
from shared.contracts.queue import QueueEntryView
from shared.contracts.topics import ALL_TOPICS

pytestmark = pytest.mark.contracts

GOLDEN = Path(__file__).parent / "golden"
CLASSES = {name: message for topic in ALL_TOPICS for name, message in topic.types.items()}

PATIENT_DATA = {
    "address", "date_of_birth", "dob", "email", "family_name", "given_name",
    "name", "nhs_number", "note", "phone", "postcode", "text",
}  # fmt: skip
"""Field names that would carry what identifies a patient, or free text. Only ids, codes, counts and times may travel."""


def golden(name: str) -> Any:
    """The parsed golden message of a type."""
    return json.loads((GOLDEN / f"{name}.json").read_text())


def models(shape: Any) -> Iterator[type[BaseModel]]:
    """The models inside an annotation (`Answer | None`, `list[DoctorView]`), and the models inside those."""
    if isinstance(shape, type) and issubclass(shape, BaseModel):
        yield shape
        for field in shape.model_fields.values():
            yield from models(field.annotation)
    for part in getattr(shape, "__args__", ()):
        yield from models(part)


def keys(value: Any) -> Iterator[str]:
    """Every key of a JSON value, at any depth."""
    if isinstance(value, dict):
        yield from value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from keys(inner)


def test_every_message_has_a_golden_file_and_every_file_a_message() -> None:
    assert {path.stem for path in GOLDEN.glob("*.json")} == set(CLASSES)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_golden_message_is_read_and_written_back_equal(name: str) -> None:
    message = CLASSES[name].model_validate_json((GOLDEN / f"{name}.json").read_bytes())
    assert json.loads(message.model_dump_json(exclude_none=True)) == golden(name)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_field_of_a_message_is_in_its_golden_file(name: str) -> None:
    own = set(CLASSES[name].model_fields) - set(Message.model_fields)
    assert own <= set(golden(name))


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_newer_writers_fields_are_ignored(name: str) -> None:
    old = golden(name)
    assert CLASSES[name].model_validate(old | {"of_a_newer_writer": {"a": 1}}) == CLASSES[name].model_validate(old)


@pytest.mark.parametrize("name", sorted(CLASSES))
@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(name: str, version: object) -> None:
    with pytest.raises(ValidationError) as refused:
        CLASSES[name].model_validate(golden(name) | {"v": version})
    assert [error["loc"] for error in refused.value.errors()] == [("v",)]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_another_type_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CLASSES[name].model_validate(golden(name) | {"type": "SomethingElse"})


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_without_its_clinic_a_message_is_refused(name: str) -> None:
    incomplete = golden(name)
    del incomplete["clinic_id"]
    with pytest.raises(ValidationError):
        CLASSES[name].model_validate(incomplete)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_no_message_has_a_field_for_what_identifies_a_patient(name: str) -> None:
    declared = {field for model in models(CLASSES[name]) for field in model.model_fields}
    assert not (declared | set(keys(golden(name)))) & PATIENT_DATA


@pytest.mark.parametrize("view", [AppointmentView, QueueEntryView])
def test_what_an_answer_carries_has_no_such_field_either(view: type[BaseModel]) -> None:
    assert not set(view.model_fields) & PATIENT_DATA


def test_a_message_that_follows_inherits_clinic_command_deadline_and_reply_address() -> None:
    cause = CLASSES["BookAppointment"].model_validate(golden("BookAppointment"))
    follower = CLASSES["SlotReserved"].model_validate(golden("SlotReserved"))
    own = follower.model_dump(include=set(type(follower).model_fields) - set(Message.model_fields) - {"v", "type"})
    inherited = following(cause, message_id=follower.message_id, occurred_at=follower.occurred_at)
    assert type(follower).model_validate({**inherited, **own}) == follower
