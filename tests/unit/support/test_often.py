"""`make test-often` goes on where it was stopped, and one red run stays one."""

import json
from pathlib import Path

import pytest

from tests.support import often
from tests.support.often import PLAN, Result


@pytest.fixture
def runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[int]:
    """The numbers of the runs that are played, none of which is a real one: the second is red."""
    played: list[int] = []

    def run(number: int, kind: str, output: Path) -> Result:
        played.append(number)
        return Result(number, kind, int(number == 2), 1, "2 passed")

    said = {"status": "", "rev-parse": "c0ffee"}
    monkeypatch.setattr(often, "FOLDER", tmp_path)
    monkeypatch.setattr(often, "_git", lambda command, *_: said[command])
    monkeypatch.setattr(often, "_run", run)
    return played


def test_the_plan_is_played_once_for_a_commit(runs: list[int], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first = [
        json.dumps(vars(Result(1, "alone", 0, 700, "3000 passed"))),
        json.dumps(vars(Result(2, "alone", 0, 701, "3000 passed"))),
    ]
    (tmp_path / "c0ffee.jsonl").write_text("".join(f"{line}\n" for line in first))
    assert often.main() == 0
    assert runs == list(range(3, len(PLAN) + 1))
    assert often.main() == 0
    assert runs == list(range(3, len(PLAN) + 1))
    assert capsys.readouterr().out.count("green") == 2 * len(PLAN)


def test_a_red_run_is_not_mended_by_another_try(runs: list[int]) -> None:
    assert often.main() == 1
    assert often.main() == 1
    assert len(runs) == len(PLAN)


def test_changes_that_are_not_committed_have_no_results(runs: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(often, "_git", lambda *_: " M README.md")
    with pytest.raises(SystemExit, match="commit them first"):
        often.main()
    assert runs == []
