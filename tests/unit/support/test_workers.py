"""Which tests are handed to a worker together."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.workers import OTHERS, group_of, in_order

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/e2e/test_cancel.py::a", "tests/e2e/test_life.py::b[x::y]", True),
        ("tests/e2e/test_cancel.py::a", "tests/e2e/test_readme.py::b", False),
        ("tests/e2e/test_cancel.py::a", "tests/stories/test_life.py::b[http-date]", True),
        ("tests/stories/test_life.py::b[in_process]", "tests/stories/test_life.py::b[http]", False),
        ("tests/stories/test_life.py::b[in_process]", "tests/stories/test_visit.py::b[in_process]", False),
        ("tests/faults/test_checker.py::a", "tests/faults/test_kill_points.py::b", True),
        ("tests/faults/test_checker.py::a", "tests/faults/test_crashes.py::b", False),
        ("tests/integration/queue/test_batches.py::a", "tests/integration/queue/test_batches.py::b", True),
        ("tests/integration/queue/test_batches.py::a", "tests/integration/queue/test_tables.py::a", False),
    ],
)
def test_tests_on_one_set_of_services_are_together(one: str, other: str, together: bool) -> None:
    assert (group_of(one) == group_of(other)) is together


def item(path: str, *markers: str) -> Any:
    """A test that was collected."""
    marks = [getattr(pytest.mark, name).mark for name in markers]
    return SimpleNamespace(path=TESTS / path, config=SimpleNamespace(rootpath=TESTS.parent), iter_markers=lambda: iter(marks))


def test_a_story_is_of_the_tier_of_its_transport() -> None:
    unit, flow, e2e = item("unit/test_house.py", "unit"), item("flow/test_messages.py"), item("e2e/test_ends.py", "slow")
    in_process, over_http = item("stories/test_visit.py", "slow", "flow"), item("stories/test_visit.py", "e2e")
    collected = [e2e, flow, in_process, over_http, unit]
    in_order(collected)
    assert collected == [e2e, over_http, flow, in_process, unit]


def test_files_that_are_named_are_there() -> None:
    assert OTHERS.keys() <= {path.name for path in TESTS.glob("*/test_*.py")}
