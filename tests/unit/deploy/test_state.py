"""The state file survives being read and written, names processes for certain, and refuses another layout."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from deploy.embedded import running
from deploy.embedded.failure import StackError
from deploy.embedded.process import Process, ProcessId
from deploy.embedded.state import StateFile
from deploy.secrets import Secrets

STARTING = """
import os, sys, time, psutil
from pathlib import Path
from deploy.embedded.process import ProcessId
from deploy.embedded.running import running_alone
from deploy.embedded.state import StateFile
folder = Path(sys.argv[1])
with running_alone(folder):
    print("holds the lock", flush=True)
    sys.stdin.readline()
    with StateFile(folder).changing() as state:
        state.supervisor = ProcessId(os.getpid(), psutil.Process().create_time())
    time.sleep(60)
"""


def test_a_new_folder_has_an_empty_state(tmp_path: Path) -> None:
    state = StateFile(tmp_path).load()
    assert (state.ports, state.processes, state.supervisor) == ({}, {}, None)


def test_what_is_kept_is_read_again(tmp_path: Path) -> None:
    with StateFile(tmp_path).changing() as state:
        state.ports = {"kafka": 9092}
        state.processes = {"kafka": ProcessId(7, 12.5)}
        state.supervisor = ProcessId(8, 13.5)
    assert StateFile(tmp_path).load() == state


def test_another_major_layout_is_refused_and_left_alone(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    with file.changing():
        pass
    stored = json.loads(file.path.read_text()) | {"layout": "2.0"}
    file.path.write_text(json.dumps(stored))
    with pytest.raises(StackError, match=r"layout 2\.0"):
        file.load()
    assert json.loads(file.path.read_text()) == stored


def test_a_pid_that_was_given_again_is_not_the_process() -> None:
    started_at = psutil.Process().create_time()
    assert ProcessId(os.getpid(), started_at).find() is not None
    assert ProcessId(os.getpid(), started_at - 100).find() is None


def test_leftovers_are_found_and_ended(tmp_path: Path) -> None:
    file = StateFile(tmp_path)
    sleeper = Process("sleeper", (sys.executable, "-c", "import time; time.sleep(60)"), tmp_path / "log", on_start=file.remember)
    sleeper.start()
    assert file.leftovers() == ["sleeper"]
    assert file.end_leftovers() == ["sleeper"]
    assert file.leftovers() == []
    assert sleeper.exit_code is not None


def test_who_begins_to_start_is_waited_for_and_ended(tmp_path: Path) -> None:
    """It holds the folder and has not said yet who it is."""
    starting = subprocess.Popen(
        [sys.executable, "-c", STARTING, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert starting.stdin
    assert starting.stdout
    assert starting.stdout.readline() == "holds the lock\n"
    with ThreadPoolExecutor(1) as pool:
        down = pool.submit(running.stop, tmp_path, purge=True)
        starting.stdin.write("\n")
        starting.stdin.flush()
        assert starting.wait(60) != 0
        assert down.result(60) is True
    assert not tmp_path.exists()


def test_a_deaf_process_is_killed_after_its_grace(tmp_path: Path) -> None:
    code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(60)"
    log = tmp_path / "log"
    deaf = Process("deaf", (sys.executable, "-c", code), log, grace_seconds=0.2)
    deaf.start()
    deaf.wait_ready(lambda: _says(log, "deaf"), timeout_seconds=10)
    deaf.stop()
    assert deaf.exit_code == -9


def test_secrets_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    secrets = Secrets(tmp_path / "secrets")
    value = secrets.value("ticket.key")
    assert len(value) == 64
    assert Secrets(tmp_path / "secrets").value("ticket.key") == value
    assert secrets.path("ticket.key").stat().st_mode & 0o777 == 0o600
    assert secrets.folder.stat().st_mode & 0o777 == 0o700


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    """`--help` has to answer within 250 ms."""
    code = "import sys, deploy.cli; sys.exit(bool({'aiokafka', 'asyncpg', 'rich.console', 'jgo'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def _says(log: Path, word: str) -> None:
    if word not in log.read_text():
        raise ConnectionError(word)
