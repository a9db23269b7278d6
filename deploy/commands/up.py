"""`frontdesk up`: runs the embedded stack in the foreground, or in a process of its own.

Called again while a stack runs or starts, it changes nothing: it waits until that one is ready and prints its table.
"""

import os
import subprocess
import sys
import time
from pathlib import Path

from deploy.commands.machine import missing_packages
from deploy.embedded import report
from deploy.embedded.environment import process_environment
from deploy.embedded.running import home, status_of
from deploy.embedded.stack import Stack
from deploy.exit_codes import FAILED, OK
from deploy.failure import Failure

SUPERVISOR_LOG = "supervisor.log"
READY_TIMEOUT_SECONDS = 240.0
POLL_SECONDS = 0.2


def up(port: int, detach: bool) -> int:
    """Run the stack until it is stopped, or only print the table if it runs already."""
    folder = home()
    if status_of(folder, probe=False)["running"]:
        return _print_running(folder)
    if missing := missing_packages():
        raise Failure(
            f"the embedded servers are not installed: {', '.join(missing)}\n  try: make venv, or: docker compose up --wait"
        )
    if detach:
        return _detach(folder, port)
    Stack(folder, port).run()
    return OK


def _print_running(folder: Path) -> int:
    """`up` again: wait if it is still starting, print the table."""
    deadline = time.monotonic() + READY_TIMEOUT_SECONDS
    while (found := status_of(folder))["running"] and not found["ready"] and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    if not found["ready"]:
        raise Failure(f"the stack that was starting in {folder} did not become ready\n  try: frontdesk logs supervisor")
    screen = report.console()
    for line in report.status_lines(found):
        screen.print(line)
    return OK


def _detach(folder: Path, port: int) -> int:
    """Start the supervisor in a session of its own and show what it prints until it is ready or has failed."""
    log = folder / "logs" / SUPERVISOR_LOG
    log.parent.mkdir(parents=True, exist_ok=True)
    own = {"FRONTDESK_HOME": str(folder), "PYTHONPATH": process_environment({})["PYTHONPATH"]}
    with log.open("ab") as output:
        shown = output.tell()
        child = subprocess.Popen(
            [sys.executable, "-m", "deploy.cli", "up", "--port", str(port)],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env={**os.environ, **own, "PYTHONUNBUFFERED": "1"},
        )
    ready = False
    while not ready and child.poll() is None:
        found = status_of(folder, probe=False)
        ready = found["ready"] and found["supervisor_pid"] == child.pid
        shown = _print_from(log, shown)
        time.sleep(POLL_SECONDS)
    _print_from(log, shown)
    if child.returncode == OK:  # another one was faster, and it has shown what runs
        ready = status_of(folder, probe=False)["ready"]
    return OK if ready else child.returncode or FAILED


def _print_from(log: Path, start: int) -> int:
    """Print what a log has from a position on; the position after it."""
    with log.open("rb") as file:
        file.seek(start)
        new = file.read()
    sys.stdout.write(new.decode(errors="replace"))
    sys.stdout.flush()
    return start + len(new)
