"""Rows as the arrays that `unnest` takes: how a batch of any size is written by one statement."""

from collections.abc import Iterable, Sequence
from typing import Any


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """One list for each of the `width` columns, also when there are no rows."""
    rows = list(rows)
    return [[row[place] for row in rows] for place in range(width)]
