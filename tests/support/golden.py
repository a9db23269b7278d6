"""Golden messages: what each release put on the wire, in a folder of its own. Files of a released version are never edited."""

import json
from pathlib import Path
from typing import Any, TypeVar

from shared.contracts.envelope import Message

GOLDEN = Path(__file__).parents[1] / "contracts" / "golden"

M = TypeVar("M", bound=Message)


def golden_files() -> list[Path]:
    """All of them, those of older releases first."""
    return sorted(GOLDEN.glob("*/*.json"), key=lambda path: (release_order(path.parent.name), path.name))


def release_order(version: str) -> tuple[int, ...]:
    """By what releases are sorted: 0.10.0 is newer than 0.9.0."""
    return tuple(map(int, version.split(".")))


def golden_json(name: str) -> dict[str, Any]:
    """A message of a type as it looks now: the newest form of it, parsed."""
    newest = [path for path in golden_files() if path.stem == name][-1]
    return dict(json.loads(newest.read_bytes()))


def golden_message(kind: type[M]) -> M:
    """A message of a type as it looks now."""
    return kind.model_validate_json(json.dumps(golden_json(kind.__name__)))
