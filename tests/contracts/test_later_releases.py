"""What a release does with messages of the next: it keeps values that it only carries, and skips no event that it cannot read.

Which values are carried and which decide what is done is written down here: a list that a message newly has joins one of the two.
"""

import json
from collections.abc import Iterator
from enum import StrEnum
from typing import Any, get_args

import pytest
from pydantic import BaseModel

from shared.contracts.commands import Answer
from shared.contracts.envelope import Message
from shared.contracts.later_values import value_of
from shared.contracts.problem_kinds import kind_of
from shared.contracts.problems import Code
from shared.contracts.topics import ALL_TOPICS, Topic
from shared.infra.kafka.records import Malformed, OfLaterRelease, decode
from tests.support.golden import golden_json

pytestmark = pytest.mark.contracts

LATER = "of_a_later_release"
CARRIED = {
    "AppointmentBooked.status", "AppointmentCancelled.reason", "AppointmentMoved.status", "AppointmentRefused.answer.code",
    "BookingRefused.code", "CancelAppointment.reason", "CommandAnswered.answer.code", "CommandRepeated.answer.code",
    "PatientQueued.entry.state", "SlotReleased.answer.code",
}  # fmt: skip
"""Values that a reader stores or passes on."""
DECIDING = {
    "BookingRefused.purpose", "DoctorChanged.status", "PatientChanged.status", "ReservationDeclined.purpose",
    "ReservationQuestioned.purpose",
    "SlotReserved.purpose",
}  # fmt: skip
"""Values by which a reader decides what it does: an effect that it does not know would be lost."""

EVENTS = {message.__name__: topic for topic in ALL_TOPICS if not topic.commands for message in topic.messages}
TOPICS = {message.__name__: topic for topic in ALL_TOPICS for message in topic.messages}


def kinds_in(annotation: Any) -> Iterator[Any]:
    """What an annotation is made of: `Answer | None` of three."""
    yield annotation
    for part in get_args(annotation):
        yield from kinds_in(part)


def lists_of(path: str, shape: type[BaseModel]) -> Iterator[str]:
    """The fields of a shape that hold a value of a list, by their paths."""
    for name, field in shape.model_fields.items():
        for kind in kinds_in(field.annotation):
            if isinstance(kind, type) and issubclass(kind, StrEnum):
                yield f"{path}.{name}"
            elif isinstance(kind, type) and issubclass(kind, BaseModel):
                yield from lists_of(f"{path}.{name}", kind)


def with_value(path: str, value: object) -> dict[str, Any]:
    """The golden message of a path, with this value there."""
    name, *parts = path.split(".")
    message = inner = golden_json(name)
    for part in parts[:-1]:
        inner = inner.setdefault(part, {"status_code": 409})
    inner[parts[-1]] = value
    return message


def read(topic: Topic, fields: dict[str, Any]) -> Message:
    return decode(topic, json.dumps(fields).encode())


def test_of_every_list_in_a_message_it_is_said_whether_it_is_carried_or_decides() -> None:
    shapes = {message for topic in ALL_TOPICS for message in topic.messages}
    assert {path for shape in shapes for path in lists_of(shape.__name__, shape)} == CARRIED | DECIDING
    assert not CARRIED & DECIDING


@pytest.mark.parametrize("path", sorted(CARRIED))
def test_a_later_value_that_is_carried_is_kept_as_it_is(path: str) -> None:
    fields = with_value(path, LATER)
    message = read(TOPICS[fields["type"]], fields)
    assert json.loads(message.model_dump_json(exclude_unset=True)) == fields


@pytest.mark.parametrize("path", sorted(CARRIED | DECIDING))
@pytest.mark.parametrize("value", ["Not A Value", "", 7, "x" * 65])
def test_what_is_no_value_of_any_release_is_malformed(path: str, value: object) -> None:
    fields = with_value(path, value)
    with pytest.raises(Malformed, match=r"^invalid_fields:"):
        read(TOPICS[fields["type"]], fields)


@pytest.mark.parametrize("path", sorted(DECIDING))
def test_an_event_with_a_later_value_that_decides_is_of_a_later_release(path: str) -> None:
    fields = with_value(path, LATER)
    with pytest.raises(OfLaterRelease, match=rf"^unknown_value:{path.partition('.')[2]}$"):
        read(EVENTS[fields["type"]], fields)


@pytest.mark.parametrize("name", sorted(EVENTS))
def test_an_event_of_a_later_version_or_an_unknown_type_is_of_a_later_release(name: str) -> None:
    for change in ({"v": 2}, {"type": "SomethingLater"}):
        with pytest.raises(OfLaterRelease):
            read(EVENTS[name], golden_json(name) | change)


@pytest.mark.parametrize("name", sorted(EVENTS))
@pytest.mark.parametrize("change", [{"v": 0}, {"v": "2"}, {"v": None}, {"type": ""}, {"type": None}])
def test_an_event_without_a_version_or_a_type_is_malformed(name: str, change: dict[str, object]) -> None:
    with pytest.raises(Malformed):
        read(EVENTS[name], golden_json(name) | change)


@pytest.mark.parametrize("name", sorted(TOPICS.keys() - EVENTS.keys()))
def test_a_command_of_a_later_release_is_malformed_so_that_its_client_is_told(name: str) -> None:
    for change in ({"v": 2}, {"type": "SomethingLater"}):
        with pytest.raises(Malformed):
            read(TOPICS[name], golden_json(name) | change)


def test_a_later_code_equals_none_that_is_known_and_has_the_status_that_came_with_it() -> None:
    code = value_of(Code, LATER)
    assert (code, str(code), code in set(Code)) == (LATER, LATER, False)
    assert (kind_of(code).status, kind_of(code, 422).status) == (409, 422)
    assert Answer.refusal(code, later_status=422) == Answer(status_code=422, code=code)
    assert Answer.refusal(Code.FULL, later_status=422).status_code == kind_of(Code.FULL).status == 409
