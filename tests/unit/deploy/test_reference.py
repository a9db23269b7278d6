"""What is committed of the documents that the code writes is what the code says now, and no document needs the network."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from faststream.specification.asyncapi.v3_0_0.schema import ApplicationSchema

from deploy.reference import asyncapi, documents
from shared.contracts.topics import ALL_TOPICS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize("path", documents.FILES)
def test_what_is_committed_is_what_the_code_says(path: str) -> None:
    assert (ROOT / path).read_text(encoding="utf-8") == documents.FILES[path](), "run: make docs"


def test_all_of_them_are_written(tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    documents.write(tmp_path)
    assert {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*") if path.is_file()} == set(documents.FILES)


@pytest.mark.parametrize("path", documents.FILES)
def test_nothing_of_the_machine_or_of_a_placeholder_gets_in(path: str) -> None:
    text = documents.FILES[path]()
    assert "signs nothing" not in text and "nobody@" not in text and str(ROOT) not in text


@pytest.fixture(scope="module")
def messages() -> dict[str, Any]:
    return asyncapi.document()


def test_every_reference_of_the_messages_leads_somewhere(messages: dict[str, Any]) -> None:
    references = set(re.findall(r'"\$ref": "([^"]+)"', json.dumps(messages)))
    assert references
    for pointer in references:
        node: Any = messages
        for step in pointer.removeprefix("#/").split("/"):
            node = node[step]
        assert node


def test_the_messages_are_described_in_the_shape_of_asyncapi(messages: dict[str, Any]) -> None:
    ApplicationSchema.model_validate(messages)
    assert messages["asyncapi"] == "3.0.0"


def test_every_topic_has_its_messages_readers_and_configuration(messages: dict[str, Any]) -> None:
    assert list(messages["channels"]) == [topic.name for topic in ALL_TOPICS]
    for topic in ALL_TOPICS:
        channel = messages["channels"][topic.name]
        assert set(channel["messages"]) == set(topic.types)
        assert channel["bindings"]["kafka"]["partitions"] == topic.partitions
        assert channel["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] == topic.retention_ms
    readers = {(group, topic.name) for topic in ALL_TOPICS for group in topic.groups}
    assert {tuple(name.split(".", 1)) for name in messages["operations"]} == readers


def test_a_type_that_is_said_on_two_topics_has_one_rule_for_its_key() -> None:
    """A message is described once, whatever topics it is said on."""
    for topic in ALL_TOPICS:
        for other in ALL_TOPICS:
            if set(topic.types) & set(other.types):
                assert topic.key == other.key


def test_every_message_says_what_it_is_and_what_it_must_carry(messages: dict[str, Any]) -> None:
    for name, message in messages["components"]["messages"].items():
        schema = messages["components"]["schemas"][name]
        assert message["summary"].endswith(".")
        assert schema["properties"]["type"]["const"] == name
        assert {"message_id", "clinic_id", "correlation_id"} <= set(schema["required"])
