"""Golden messages: what each release put on the wire is read by today's code, for ever, and means what it meant.

Files of a released version are never edited: what a message looks like now is in the folder of the coming one.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal
from uuid import UUID

import pytest
from pydantic import BaseModel, ValidationError, create_model

from shared.contracts.appointments import AppointmentView
from shared.contracts.availability import SlotReserved
from shared.contracts.booking import BookAppointment
from shared.contracts.envelope import Message, Wire, following
from shared.contracts.queue import QueueEntryView
from shared.contracts.topics import ALL_TOPICS
from tests.contracts.growth import breaks, current, facts_of, recorded, releases
from tests.support.golden import golden_files, golden_json, golden_message

pytestmark = pytest.mark.contracts

CLASSES = {name: message for topic in ALL_TOPICS for name, message in topic.types.items()}

PATIENT_DATA = {
    "address", "date_of_birth", "dob", "email", "family_name", "given_name",
    "name", "nhs_number", "note", "phone", "phone_extension", "postcode", "text",
}  # fmt: skip
"""Field names that would carry what identifies a patient, or free text. Only ids, codes, counts and times may travel."""


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
    assert {path.stem for path in golden_files()} == set(CLASSES)


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_each_value_of_a_golden_message_is_read_as_it_was_written(path: Path) -> None:
    message = CLASSES[path.stem].model_validate_json(path.read_bytes())
    assert json.loads(message.model_dump_json(exclude_unset=True)) == json.loads(path.read_bytes())


@pytest.mark.parametrize("path", golden_files(), ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_message_without_what_may_be_missing_is_read(path: Path) -> None:
    message, facts = json.loads(path.read_bytes()), recorded(path.parent.name)
    needed = {field: value for field, value in message.items() if f"{path.stem}.{field}: required" in facts}
    assert len(needed) < len(message)
    read = CLASSES[path.stem].model_validate(needed)
    assert json.loads(read.model_dump_json(exclude_unset=True)) == needed


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_every_field_of_a_message_is_in_its_newest_golden_file(name: str) -> None:
    own = set(CLASSES[name].model_fields) - set(Message.model_fields)
    assert own <= set(golden_json(name))


@pytest.mark.parametrize("release", releases())
def test_only_optional_fields_and_values_of_enums_came_since(release: str) -> None:
    assert breaks(recorded(release), current()) == []


def test_what_the_coming_release_says_is_recorded() -> None:
    assert recorded(releases()[-1]) == current(), "run: .venv/bin/python -m tests.contracts.growth"


class Place(Wire):
    """A shape inside of another."""

    position: int


def said(**changed: Any) -> set[str]:
    """The facts of a shape of five fields, of which some are changed; None takes a field away."""
    fields: dict[str, Any] = {
        "id": (UUID, ...),
        "state": (Literal["held", "booked"], ...),
        "version": (int | None, None),
        "place": (Place | None, None),
        "codes": (list[str], ...),
    }
    return facts_of(create_model("Said", __base__=Wire, **{name: kind for name, kind in (fields | changed).items() if kind}))


class Elsewhere(Place):
    """What the shape inside may become."""

    row: int | None = None


class Nowhere(Wire):
    """What it may not become."""

    position: str


@pytest.mark.parametrize(
    "changed",
    [
        {"id": None},
        {"id": (str, ...)},
        {"id": (UUID | None, None)},
        {"state": (Literal["held"], ...)},
        {"state": (str, ...)},
        {"version": (int | None, ...)},
        {"version": (int, 1)},
        {"version": (int | None, 1)},
        {"place": (Nowhere | None, None)},
        {"codes": (list[int], ...)},
        {"codes": (list[Literal["full"]], ...)},
        {"added": (int, ...)},
    ],
)
def test_a_change_that_another_release_would_misread_is_found(changed: dict[str, Any]) -> None:
    assert breaks(said(), said(**changed))


@pytest.mark.parametrize(
    "changed",
    [
        {"state": (Literal["held", "booked", "cancelled"], ...)},
        {"place": (Elsewhere | None, None)},
        {"added": (int | None, None)},
        {"added": (Place | None, None)},
        {"added": (Literal["full"], "full")},
    ],
)
def test_optional_fields_and_values_of_enums_may_come_and_never_go_again(changed: dict[str, Any]) -> None:
    assert breaks(said(), said(**changed)) == []
    assert breaks(said(**changed), said())


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_a_newer_writers_fields_are_ignored(name: str) -> None:
    old = golden_json(name)
    assert CLASSES[name].model_validate(old | {"of_a_newer_writer": {"a": 1}}) == CLASSES[name].model_validate(old)


@pytest.mark.parametrize("name", sorted(CLASSES))
@pytest.mark.parametrize("version", [0, 2, "1", None])
def test_another_version_is_refused(name: str, version: object) -> None:
    with pytest.raises(ValidationError) as refused:
        CLASSES[name].model_validate(golden_json(name) | {"v": version})
    assert [error["loc"] for error in refused.value.errors()] == [("v",)]


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_another_type_is_refused(name: str) -> None:
    with pytest.raises(ValidationError):
        CLASSES[name].model_validate(golden_json(name) | {"type": "SomethingElse"})


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_without_its_clinic_a_message_is_refused(name: str) -> None:
    incomplete = golden_json(name)
    del incomplete["clinic_id"]
    with pytest.raises(ValidationError):
        CLASSES[name].model_validate(incomplete)


@pytest.mark.parametrize("name", sorted(CLASSES))
def test_no_message_has_a_field_for_what_identifies_a_patient(name: str) -> None:
    declared = {field for model in models(CLASSES[name]) for field in model.model_fields}
    assert not (declared | set(keys(golden_json(name)))) & PATIENT_DATA


@pytest.mark.parametrize("view", [AppointmentView, QueueEntryView])
def test_what_an_answer_carries_has_no_such_field_either(view: type[BaseModel]) -> None:
    assert not set(view.model_fields) & PATIENT_DATA


def test_a_message_that_follows_inherits_clinic_command_deadline_and_reply_address() -> None:
    cause, follower = golden_message(BookAppointment), golden_message(SlotReserved)
    own = follower.model_dump(include=set(type(follower).model_fields) - set(Message.model_fields) - {"v", "type"})
    inherited = following(cause, message_id=follower.message_id, occurred_at=follower.occurred_at)
    assert SlotReserved.model_validate({**inherited, **own}) == follower
