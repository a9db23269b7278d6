"""Which tests are handed to a worker together."""

from pathlib import Path

import pytest

from tests.support.workers import OTHERS, group_of

TESTS = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("tests/e2e/test_cancel.py::a", "tests/e2e/test_life.py::b[x::y]", True),
        ("tests/e2e/test_cancel.py::a", "tests/e2e/test_readme.py::b", False),
        ("tests/faults/test_checker.py::a", "tests/faults/test_kill_points.py::b", True),
        ("tests/faults/test_checker.py::a", "tests/faults/test_crashes.py::b", False),
        ("tests/integration/queue/test_batches.py::a", "tests/integration/queue/test_batches.py::b", True),
        ("tests/integration/queue/test_batches.py::a", "tests/integration/queue/test_tables.py::a", False),
    ],
)
def test_tests_on_one_set_of_services_are_together(one: str, other: str, together: bool) -> None:
    assert (group_of(one) == group_of(other)) is together


def test_files_that_are_named_are_there() -> None:
    assert OTHERS.keys() <= {path.name for path in TESTS.glob("*/test_*.py")}
