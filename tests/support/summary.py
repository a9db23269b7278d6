"""Lines that tests have for the end of the run, by section; those of all workers come together where the run was started.

Called by `tests/conftest.py`, by rounds of faults and of races, and by what leaves tests out.
"""

from collections.abc import Iterator
from typing import Any

import pytest

Rows = dict[str, list[list[str]]]

_ROWS = pytest.StashKey[Rows]()
_OUTPUT = "frontdesk_summary"


def add(config: pytest.Config, section: str, *cells: str) -> None:
    """Notes a row. The same row of several workers counts once."""
    rows = config.stash.setdefault(_ROWS, {}).setdefault(section, [])
    if list(cells) not in rows:
        rows.append(list(cells))


def hand_over(config: pytest.Config) -> None:
    """At the end of a worker: its rows go to whoever started it."""
    if hasattr(config, "workeroutput"):
        config.workeroutput[_OUTPUT] = config.stash.get(_ROWS, {})


def take_over(config: pytest.Config, worker: Any) -> None:
    """The rows of a worker that has ended; one that died has none."""
    for section, rows in (getattr(worker, "workeroutput", None) or {}).get(_OUTPUT, {}).items():
        for cells in rows:
            add(config, section, *cells)


def sections(config: pytest.Config) -> Iterator[tuple[str, list[str]]]:
    """Each section with its lines, of which the cells stand below each other."""
    for section, rows in config.stash.get(_ROWS, {}).items():
        widths = [max(len(row[place]) for row in rows if len(row) > place) for place in range(max(map(len, rows)))]
        yield section, ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip() for row in rows]
