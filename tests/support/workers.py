"""Several workers of one run (pytest-xdist): each has servers of its own, and takes whole files, those that take longest first.

A file that begins late holds up the end of the run; the many short ones fill what is left. Called by `tests/conftest.py`.
"""

import pytest

TIERS = ("faults", "soak", "e2e", "flow", "integration", "handlers", "contracts", "unit", "compose")
"""In the order in which workers take them."""


def tier_of(item: pytest.Item) -> str:
    """The folder below `tests` that a test is in."""
    return item.path.relative_to(item.config.rootpath).parts[1]


def in_order(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Sorts the tests for workers; a run without any goes as it was collected."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: TIERS.index(tier_of(item)) if tier_of(item) in TIERS else len(TIERS))
