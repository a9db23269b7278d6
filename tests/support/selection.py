"""Which tests a session leaves out because of its backend, and why: said once, at the end. Called by `tests/conftest.py`."""

from collections import defaultdict
from collections.abc import Iterable

import pytest

from tests.support.servers import BACKENDS, CONTAINERS, EMBEDDED, GIVEN, chosen

OWN_SERVERS = "start embedded servers of their own"
DOCKER = "need Docker"
STORES = "stop or kill servers, which nobody does to given ones"

LeftOut = dict[str, list[pytest.Item]]
KEY = pytest.StashKey[LeftOut]()


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
    left_out: LeftOut = defaultdict(list)
    for item in items:
        if reason := _reason(item):
            left_out[reason].append(item)
    config.stash[KEY] = left_out
    if gone := [item for group in left_out.values() for item in group]:
        config.hook.pytest_deselected(items=gone)
        items[:] = [item for item in items if item not in gone]


def summary(config: pytest.Config) -> Iterable[str]:
    """A line for each reason."""
    for reason, items in config.stash.get(KEY, {}).items():
        yield f"TEST_BACKEND={chosen()} left out {len(items)} tests that {reason}"


def _reason(item: pytest.Item) -> str | None:
    if chosen() != EMBEDDED and item.get_closest_marker("embedded"):
        return OWN_SERVERS
    if chosen() != CONTAINERS and item.get_closest_marker("docker"):
        return DOCKER
    if chosen() == GIVEN and "stores" in getattr(item, "fixturenames", ()):
        return STORES
    return None
