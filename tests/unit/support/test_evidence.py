"""A fault test that failed leaves its history and its logs in a folder of its own, and names the command that repeats it."""

from pathlib import Path

from tests.faults.evidence import Evidence, repeated_by
from tests.faults.rounds import ROUNDS, SEED

TEST = "tests/faults/test_crashes.py::test_killed[kafka-round1]"


def test_what_failed_last_is_kept(tmp_path: Path) -> None:
    (tmp_path / "histories").mkdir()
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "booking.jsonl").write_text("{}")
    evidence = Evidence(tmp_path / "histories", tmp_path / "logs")
    for answer in ("first", "second"):
        evidence.history.write_text(answer)
        kept = evidence.keep(TEST, tmp_path / "kept")
    assert kept == tmp_path / "kept" / "test_crashes.py-test_killed-kafka-round1"
    assert (kept / "histories" / "history.jsonl").read_text() == "second"
    assert (kept / "logs" / "booking.jsonl").exists()


def test_the_command_has_the_seed_and_the_test() -> None:
    command = repeated_by(TEST)
    assert command.startswith(f"FAULT_SEED={SEED} FAULT_ROUNDS={ROUNDS} ")
    assert command.endswith(f" .venv/bin/pytest '{TEST}'")
