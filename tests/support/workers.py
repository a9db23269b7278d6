"""Several workers of one run (pytest-xdist): each has servers of its own, and takes whole groups, those that take longest first.

Tests on one set of service processes are one group, so that the set is started once in a run and not once in each worker; any
other file is a group by itself. A group that begins late holds up the end of the run; the many short ones fill what is left.
Called by `tests/conftest.py`.
"""

import pytest

TIERS = ("faults", "e2e", "soak", "flow", "integration", "handlers", "contracts", "unit", "compose")
"""In the order in which workers take them."""
SETS = ("system", "stage", "stack")
"""The fixtures that are service processes."""


def tier_of(item: pytest.Item) -> str:
    """The folder below `tests` that a test is in."""
    return item.path.relative_to(item.config.rootpath).parts[1]


def in_groups(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Groups and sorts the tests for workers; a run without any goes as it was collected."""
    if hasattr(config, "workerinput"):
        items.sort(key=lambda item: TIERS.index(tier_of(item)) if tier_of(item) in TIERS else len(TIERS))
        for item in items:
            item.add_marker(pytest.mark.xdist_group(_group_of(item)))


def _group_of(item: pytest.Item) -> str:
    used: list[str] = getattr(item, "fixturenames", [])
    shared = next((name for name in SETS if name in used), None)
    return f"{tier_of(item)}/{shared}" if shared else str(item.path.relative_to(item.config.rootpath))
