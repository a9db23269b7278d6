"""What several workers have for the end of the run comes together once, in columns."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.support import summary


def config(**more: Any) -> pytest.Config:
    return cast(pytest.Config, SimpleNamespace(stash=pytest.Stash(), **more))


def test_the_rows_of_workers_come_together() -> None:
    run = config()
    for number in (1, 22):
        worker = config(workeroutput={})
        summary.add(worker, "rounds", "round", "s")
        summary.add(worker, "rounds", f"kill {number}", str(number))
        summary.hand_over(worker)
        summary.take_over(run, SimpleNamespace(workeroutput=cast(Any, worker).workeroutput))
    assert list(summary.sections(run)) == [("rounds", ["round    s", "kill 1   1", "kill 22  22"])]


def test_a_worker_that_died_has_none() -> None:
    run = config()
    summary.take_over(run, SimpleNamespace())
    assert list(summary.sections(run)) == []


def test_a_run_without_workers_keeps_its_own() -> None:
    run = config()
    summary.add(run, "races", "one")
    summary.hand_over(run)
    assert list(summary.sections(run)) == [("races", ["one"])]
