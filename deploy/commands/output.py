"""Prints what a command found: one JSON document, or lines for a person."""

import json
import math
import sys
from collections.abc import Iterable
from typing import Any


def out(value: Any, as_json: bool, lines: Iterable[str]) -> None:
    """Print the one or the other; what JSON does not know (ids, instants, infinity) stands there as text."""
    text = json.dumps(_finite(value), indent=2, default=str, allow_nan=False) if as_json else "\n".join(lines)
    sys.stdout.write(f"{text}\n")


def _finite(value: Any) -> Any:
    """Infinity and not-a-number as text: `default` of `json` is not called for them."""
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, dict):
        return {name: _finite(inner) for name, inner in value.items()}
    return [_finite(inner) for inner in value] if isinstance(value, list | tuple) else value


def table(rows: list[list[str]], headings: list[str]) -> list[str]:
    """Columns for a person, two spaces apart; plain text, so that it can be cut and searched."""
    widths = [max(len(row[number]) for row in [headings, *rows]) for number in range(len(headings))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in [headings, *rows]]
