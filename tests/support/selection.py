"""Which tests a session leaves out: what its backend cannot run, and why is said once, at the end; and stories by a transport
that is not asked for. Called by `tests/conftest.py`.
"""

import os
from collections import defaultdict

import pytest

from tests.support import summary
from tests.support.servers import BACKENDS, CONTAINERS, EMBEDDED, GIVEN, chosen

OWN_SERVERS = "start embedded servers of their own"
DOCKER = "need Docker"
UPGRADE = "need the history of the repository (make test-upgrade)"
STORES = "stop or kill servers, which nobody does to given ones"


def check() -> None:
    """Raise unless the environment names a backend, and what it needs."""
    if chosen() not in BACKENDS:
        raise pytest.UsageError(f"TEST_BACKEND={chosen()} is not one of {', '.join(BACKENDS)}")
    if chosen() == GIVEN:
        from tests.support.given import missing

        if names := missing():
            raise pytest.UsageError(f"TEST_BACKEND={GIVEN} needs {', '.join(names)}")


def leave_out(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Take the tests out of `items` that cannot run on the backend."""
    left_out: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if reason := _reason(item):
            left_out[reason].append(item)
    for reason, gone in left_out.items():
        summary.add(config, "left out", f"TEST_BACKEND={chosen()} left out {len(gone)} tests that {reason}")
    _take_out(config, items, [item for group in left_out.values() for item in group])


def by_transport(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Takes stories by another transport than the chosen one out of `items`."""
    chosen = config.getoption("transport")
    _take_out(config, items, [item for item in items if chosen and _transport(item) not in (None, chosen)])


def _transport(item: pytest.Item) -> object:
    parameters: dict[str, object] = getattr(getattr(item, "callspec", None), "params", {})
    return parameters.get("transport")


def _take_out(config: pytest.Config, items: list[pytest.Item], gone: list[pytest.Item]) -> None:
    if gone:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


def _reason(item: pytest.Item) -> str | None:
    if chosen() != EMBEDDED and item.get_closest_marker("embedded"):
        return OWN_SERVERS
    if chosen() != CONTAINERS and item.get_closest_marker("docker"):
        return DOCKER
    if "UPGRADE" not in os.environ and item.get_closest_marker("upgrade"):
        return UPGRADE
    if chosen() == GIVEN and "stores" in getattr(item, "fixturenames", ()):
        return STORES
    return None
