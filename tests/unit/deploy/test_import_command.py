"""`frontdesk import` against a stand-in of the services: what it sends, counts, reports, repeats, and how it ends."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deploy.cli import app
from deploy.importing import client as calls
from deploy.importing.transfer import CALLS_AT_ONCE
from shared.contracts import internal
from shared.contracts.imports import MAX_LINES
from tests.unit.deploy.owner import CLINIC, Handler, StandIn, serving

ROOT = Path(__file__).parents[3]
SECONDS = 30
NOBODY = "http://127.0.0.1:1"


@pytest.fixture
def owner() -> Iterator[StandIn]:
    with serving() as server:
        yield server


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """2,000 patients, and with them 25 lines without a number and one that is none at all."""
    path = tmp_path / "patients.csv"
    lines = [f"Patient {number},{'bad' if number % 80 == 0 else number}\n" for number in range(2_000)]
    path.write_text("".join(["name,phone\n", *lines[:-1], "no line,1,2\n", lines[-1]]))
    return path


def run(owner: StandIn, *arguments: str, stdin: bytes | None = None, away: str | None = None) -> Result:
    environment = owner.environment() | ({away: NOBODY} if away else {})
    done = CliRunner().invoke(app, ["import", *arguments], env=environment, input=stdin)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done


def test_every_line_is_created_known_or_rejected(owner: StandIn, file: Path, tmp_path: Path) -> None:
    report = tmp_path / "rejected.csv"
    for created, known in ((1_975, 0), (0, 1_975)):
        done = run(owner, "patients", str(file), "--report", str(report), "--json")
        value: dict[str, Any] = json.loads(done.stdout)
        assert (done.exit_code, value["created"], value["known"], value["rejected"]) == (1, created, known, 26)
        assert value["rejected_lines"][:2] == [
            {"line": number, "field": "phone", "reason": "is no phone number"} for number in (2, 82)
        ]
        assert len(value["rejected_lines"]) == 20
        rows = report.read_text().splitlines()
        assert [int(row.split(",")[0]) for row in rows[1:]] == [*range(2, 2_002, 80), 2_001]
        assert rows[-1] == '2001,,"has 3 fields, the header names 2 columns"'
    assert owner.most_under_way <= CALLS_AT_ONCE


def test_a_person_is_told_of_the_first_ones(owner: StandIn, file: Path) -> None:
    done = run(owner, "patients", str(file))
    assert "2,001 lines in" in done.stdout and "created      1,975" in done.stdout
    assert "line 82: phone is no phone number" in done.stdout
    assert done.stdout.endswith("  and 6 more; --report FILE writes all of them\n")


def test_a_file_without_a_bad_line_ends_well_also_through_a_pipe(owner: StandIn) -> None:
    done = run(owner, "doctors", "-", "--dry-run", "--json", stdin=b"name\nDr Ada\n")
    assert (done.exit_code, json.loads(done.stdout)["created"]) == (0, 1)
    ((said, query),) = owner.calls
    assert query == {"dry_run": ["true"]}
    assert (said[internal.CLINIC], said[internal.ACTOR]) == (CLINIC["id"], "import")
    assert json.loads(run(owner, "patients", "-", "--json", stdin=b"name,phone\n").stdout)["lines"] == 0


def test_a_delimiter_can_be_named(owner: StandIn) -> None:
    for named, content in (("tab", b"name\tphone\nMaya\t1\n"), ("~", b"name~phone\nMaya~1\n"), (";", b"name;phone\nMaya;1\n")):
        done = run(owner, "patients", "-", "--delimiter", named, "--json", stdin=content)
        assert json.loads(done.stdout)["lines"] == 1, done.stderr
    for wrong in ("", "ab", "x", '"'):
        done = run(owner, "patients", "-", "--delimiter", wrong, stdin=b"name,phone\n")
        assert done.exit_code == 2 and "--delimiter" in done.stderr


def test_what_becomes_of_families_is_the_caller_s_choice(owner: StandIn) -> None:
    run(owner, "patients", "-", "--on-duplicate", "create", stdin=b"name,phone\nMaya,1\n")
    run(owner, "patients", "-", stdin=b"name,phone\nMaya,1\n")
    assert [query for _, query in owner.calls] == [
        {"dry_run": ["false"], "on_duplicate": ["create"]},
        {"dry_run": ["false"]},
    ]
    assert run(owner, "patients", "-", "--on-duplicate", "guess", stdin=b"").exit_code == 2


def test_a_call_that_was_cut_off_is_sent_again(owner: StandIn, file: Path) -> None:
    """The first one was done before its answer was lost: its lines are known then."""
    owner.faults.extend([lambda _: None, None, lambda _: (503, {})])
    value = json.loads(run(owner, "patients", str(file), "--json").stdout)
    assert value["created"] + value["known"] == 1_975 == len(owner.seen)
    assert 0 < value["known"] <= MAX_LINES
    assert len(owner.calls) == 2_000 // MAX_LINES + 1 + 2


def test_it_gives_up_and_says_how_far_it_came(owner: StandIn, file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calls, "AGAIN_SECONDS", 0)
    monkeypatch.setattr("deploy.importing.transfer.CALLS_AT_ONCE", 1)
    owner.faults.extend([None, None, lambda _: (503, {})])
    done = run(owner, "patients", str(file))
    assert done.exit_code == 4
    assert "everything up to line 1,001 is done" in done.stderr and "booking does not answer" in done.stderr
    owner.faults.append(lambda _: (422, {"detail": "what is this"}))
    refused = run(owner, "patients", str(file))
    assert refused.exit_code == 1 and "refused a call: 422" in refused.stderr and "nothing is known to be done" in refused.stderr


@pytest.mark.parametrize("variable", ["API_URL", "BOOKING_URL"])
def test_who_is_not_there_is_told_at_once(owner: StandIn, file: Path, variable: str) -> None:
    done = run(owner, "patients", str(file), away=variable)
    assert done.exit_code == 4 and NOBODY in done.stderr
    assert owner.calls == []


def test_misuse_sends_nothing(owner: StandIn, file: Path, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("name,phone,shoe_size\n")
    for arguments, told in (
        (["patients", str(wrong)], "unknown column: shoe_size"),
        (["patients", str(tmp_path / "none.csv")], "none.csv cannot be read"),
        (["patients", str(tmp_path)], "cannot be read"),
        (["patients", str(file), "--report", str(file)], "would take the place of the file"),
        (["patients", str(file), "--report", str(tmp_path / "no" / "report.csv")], "cannot be written"),
    ):
        done = run(owner, *arguments)
        assert done.exit_code == 2 and told in done.stderr
    assert owner.calls == [] and file.read_text().startswith("name,phone\n")


HEEDING_CTRL_C = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
runpy.run_module("deploy.cli", run_name="__main__")
"""
"""The command as in a terminal: what a shell runs in the background ignores Ctrl-C, and its children inherit that."""


def test_ctrl_c_says_how_far_it_came(owner: StandIn, file: Path) -> None:
    answered, stopped = threading.Event(), threading.Event()

    def held(_: Handler) -> tuple[int, Any]:
        answered.set()
        stopped.wait(SECONDS)
        return 503, {}

    owner.faults.extend([None, held, held, held])
    child = subprocess.Popen(
        [sys.executable, "-c", HEEDING_CTRL_C, "import", "patients", str(file)],
        cwd=ROOT, env=os.environ | owner.environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        assert answered.wait(SECONDS)
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=SECONDS)
    finally:
        stopped.set()
        child.kill()
    assert child.returncode == 130
    assert "stopped: " in said and "the same command again takes the rest" in said and "Traceback" not in said
