"""A dead component is started again, a little later each time; five deaths within a minute are the end. Logs stay bounded."""

from pathlib import Path

import pytest

from deploy.embedded.logs import files, print_logs
from deploy.embedded.process import Process
from deploy.embedded.rotation import KEPT_LOGS, rotate
from deploy.embedded.supervisor import DEATHS_TO_GIVE_UP, MAX_BACKOFF_SECONDS, Watched


class Component:
    """A component that is started as often as it is asked to."""

    name = title = "queue"
    port = 1

    def __init__(self, folder: Path) -> None:
        self.process = Process("queue", ("true",), folder / "queue.jsonl")
        self.starts = 0

    def start(self) -> None:
        self.starts += 1

    def probe(self) -> None:
        return

    def stop(self) -> None:
        return


class Clock:
    """Time that moves when told to."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_pauses_double_up_to_their_bound(tmp_path: Path) -> None:
    clock = Clock()
    watched = Watched(Component(tmp_path), clock)
    assert [watched.died() for _ in range(4)] == [1.0, 2.0, 4.0, 8.0]
    assert max(watched.died() for _ in range(4)) == MAX_BACKOFF_SECONDS


def test_five_deaths_within_a_minute_are_hopeless_and_five_in_an_hour_are_not(tmp_path: Path) -> None:
    clock = Clock()
    often, seldom = Watched(Component(tmp_path), clock), Watched(Component(tmp_path), clock)
    for _ in range(DEATHS_TO_GIVE_UP):
        often.died()
    assert often.hopeless
    for _ in range(DEATHS_TO_GIVE_UP):
        seldom.died()
        clock.seconds += 700
    assert not seldom.hopeless


def test_a_dead_component_is_started_when_its_pause_is_over(tmp_path: Path) -> None:
    clock, component = Clock(), Component(tmp_path)
    watched = Watched(component, clock)
    watched.check()
    watched.check()
    assert component.starts == 0
    clock.seconds += 1
    watched.check()
    watched.join()
    assert component.starts == 1


def test_a_large_log_is_cut_and_five_older_ones_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "queue.jsonl"
    for round_number in range(KEPT_LOGS + 2):
        log.write_text(f"{round_number}\n" * 10)
        rotate(tmp_path, max_bytes=10)
    assert log.read_text() == ""
    older = sorted(tmp_path.glob("queue.jsonl.*"))
    assert [path.suffix for path in older] == [f".{n}" for n in range(1, KEPT_LOGS + 1)]
    assert older[0].read_text().startswith("6")
    assert list(files(tmp_path)) == ["queue"]


def test_logs_of_several_components_carry_their_names(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "kafka.log").write_text("up\n")
    (tmp_path / "queue.jsonl").write_text("{}\n")
    print_logs(tmp_path, None, follow=False)
    assert capsys.readouterr().out == f"{'kafka':<13}up\n{'queue':<13}{{}}\n"
    print_logs(tmp_path, "queue", follow=False)
    assert capsys.readouterr().out == "{}\n"
