"""How messages may change: optional fields may come, and values of an enum. Anything else, a service of another release misreads.

What the schemas say of each field is recorded for each release, a fact a line, beside its golden messages. Called by
`test_golden.py`; `python -m tests.contracts.growth` records the coming release. What a released version has is never edited.
"""

import json
from collections.abc import Iterator, Mapping, Set
from typing import Any

from pydantic import BaseModel

from shared.contracts.topics import ALL_TOPICS
from shared.infra.version import distribution_version
from tests.support.golden import GOLDEN, release_order

FILE = "facts.txt"
WITH_SCHEMAS_INSIDE = {"$ref", "$defs", "properties", "anyOf", "items"}
WORDS = {"title", "description"}

Schema = dict[str, Any]


def releases() -> list[str]:
    """The versions whose facts are recorded, the oldest first."""
    return sorted((path.parent.name for path in GOLDEN.glob(f"*/{FILE}")), key=release_order)


def recorded(release: str) -> set[str]:
    """What a release says of all messages."""
    return set((GOLDEN / release / FILE).read_text(encoding="utf-8").splitlines())


def current() -> set[str]:
    """What the code says of all messages."""
    messages = {message for topic in ALL_TOPICS for message in topic.messages}
    return {fact for message in messages for fact in facts_of(message)}


def facts_of(shape: type[BaseModel]) -> set[str]:
    """Each thing that the schema of a shape says of one value: `SlotFreed.date: required`, `SlotFreed.date: format "date"`."""
    schema = shape.model_json_schema()
    return set(_facts(shape.__name__, schema, schema.get("$defs", {})))


def _facts(path: str, schema: Schema, definitions: Mapping[str, Schema]) -> Iterator[str]:
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].rpartition("/")[2]], **schema}
    yield from (f"{path}.{field}: required" for field in schema.get("required", ()))
    yield from (f"{path}: value {json.dumps(value)}" for value in schema.get("enum", ()))
    for keyword in schema.keys() - WITH_SCHEMAS_INSIDE - WORDS - {"required", "enum"}:
        said = json.dumps(schema[keyword])
        assert "$ref" not in said, f"{path}: what stands inside of {keyword} would be overlooked"
        yield f"{path}: {keyword} {said}"
    for inner_path, inner in _inside(path, schema):
        yield from _facts(inner_path, inner, definitions)


def _inside(path: str, schema: Schema) -> Iterator[tuple[str, Schema]]:
    """The schemas of fields and items, and those of the forms that a value may have, which all speak of the same value."""
    yield from ((f"{path}.{field}", inner) for field, inner in schema.get("properties", {}).items())
    yield from ((path, form) for form in schema.get("anyOf", ()))
    if "items" in schema:
        yield f"{path}[]", schema["items"]


def breaks(old: Set[str], new: Set[str]) -> list[str]:
    """What a service that knows the one would misread of the other: each fact that went, and each that may not come."""
    paths = {fact.partition(": ")[0] for fact in old}
    enums = {fact.partition(": ")[0] for fact in old if ": value " in fact}
    went = (f"gone: {fact}" for fact in old - new)
    came = (f"new: {fact}" for fact in new - old if not _may_come(fact, paths, enums))
    return sorted([*went, *came])


def _may_come(fact: str, paths: Set[str], enums: Set[str]) -> bool:
    """Whether a fact is of a new field that may be missing, or a new value where values were listed before."""
    path, _, said = fact.partition(": ")
    if said == "required":
        return path.rpartition(".")[0] not in paths
    return path not in paths or (path in enums and said.startswith("value "))


if __name__ == "__main__":
    (GOLDEN / distribution_version() / FILE).write_text("\n".join(sorted(current())) + "\n", encoding="utf-8")
