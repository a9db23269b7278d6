"""Several workers of one run (pytest-xdist): each has servers of its own, and takes whole groups, those that take longest first.

Tests on one set of service processes are one group, so that the set is started once in a run and not once in each worker; any
other file is a group by itself. A group that begins late holds up the end of the run; the many short ones fill what is left.
Called by `tests/conftest.py`.
"""

from pathlib import PurePath

import pytest
from xdist.scheduler import LoadScopeScheduling

from tests.support.transports import HTTP

TIERS = ("faults", "e2e", "soak", "flow", "integration", "handlers", "contracts", "unit", "compose", "upgrade")
"""In the order in which workers take them."""
ON_ONE_SET = ("faults", "e2e", "soak")
"""The tiers whose tests are on one set of services, but for those files that are named in `OTHERS`."""
OTHERS = {
    "test_checker.py": "mutants",
    "test_kill_points.py": "mutants",
    "test_readme.py": "readme",
    "test_two_stacks.py": "two stacks",
    "test_integration_round.py": "integration round",
}


class GroupScheduling(LoadScopeScheduling):  # type: ignore[misc]  # it ships no types
    """Hands out groups of tests; the base calls them scopes."""

    def _split_scope(self, nodeid: str) -> str:
        return group_of(nodeid)


def group_of(test: str) -> str:
    """The group of a test, which pytest knows by this id. A story over HTTP runs on the services of `tests/e2e`."""
    path = PurePath(test.partition("::")[0])
    tier = "e2e" if path.parts[1] == "stories" and f"[{HTTP}" in test else path.parts[1]
    if tier not in ON_ONE_SET:
        return str(path)
    return f"{tier}: {OTHERS.get(path.name, 'all on one set')}"


def tier_of(item: pytest.Item) -> str:
    """The folder below `tests` that a test is in; of a story the tier that its transport is marked with."""
    marked = (mark.name for mark in item.iter_markers() if mark.name in TIERS)
    return next(marked, item.path.relative_to(item.config.rootpath).parts[1])


def in_order(items: list[pytest.Item]) -> None:
    """Sorts the tests by tier: for workers, and so that stories come behind the tests on the same services."""
    items.sort(key=lambda item: TIERS.index(tier_of(item)) if tier_of(item) in TIERS else len(TIERS))
