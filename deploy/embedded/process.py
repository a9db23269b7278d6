"""One child process: started in a session of its own, stopped gently and then for certain, its log a plain file.

The child writes its log itself (opened for appending), so it neither blocks nor dies when its supervisor does.
Called by the servers, by `services` and by the supervisor.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from deploy.embedded.account import Account
from deploy.embedded.failure import StartFailed
from deploy.embedded.ports import listens

PROBE_INTERVAL_SECONDS = 0.1
KILL_WAIT_SECONDS = 10.0
START_TIMEOUT_SECONDS = 180.0
"""Long enough for a machine that does much else: a child that ended is seen at once, and so is one that is ready."""
# Two readings of one process's start time differ by the clock's tick at most.
START_TIME_TOLERANCE_SECONDS = 1.0


@dataclass(frozen=True)
class ProcessId:
    """A pid means nothing alone, it is given again; with the start time it names one process."""

    pid: int
    started_at: float
    stop_signal: int = signal.SIGTERM

    def find(self) -> psutil.Process | None:
        """The process if it still runs, else None."""
        try:
            process = psutil.Process(self.pid)
            alive = process.is_running() and process.status() != psutil.STATUS_ZOMBIE
            same = abs(process.create_time() - self.started_at) <= START_TIME_TOLERANCE_SECONDS
        except psutil.NoSuchProcess:
            return None
        return process if alive and same else None

    def end(self, grace_seconds: float) -> None:
        """Stop a process that need not be our child; after the grace it is killed with its whole group."""
        process = self.find()
        if process is None:
            return
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(self.stop_signal)
        if not self._gone_within(grace_seconds):
            kill_group(self.pid)
            self._gone_within(KILL_WAIT_SECONDS)

    def listens(self, port: int) -> bool:
        """Whether the process runs and it is the one that listens on the port."""
        process = self.find()
        return process is not None and listens(process, port)

    def _gone_within(self, seconds: float) -> bool:
        """Wait for the end of a process; one that nobody reaps (a zombie) has ended."""
        deadline = time.monotonic() + seconds
        while self.find() is not None:
            if time.monotonic() > deadline:
                return False
            time.sleep(PROBE_INTERVAL_SECONDS)
        return True


def kill_group(pid: int) -> None:
    """Kill a process that leads a group, and the group; fine if it is gone."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


@dataclass
class Process:
    """A program as it is to be run; `start` may be called again after it ended."""

    name: str
    command: Sequence[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    account: Account | None = None
    stop_signal: int = signal.SIGTERM
    grace_seconds: float = 30.0
    on_start: "Callable[[Process], None] | None" = None
    _child: "subprocess.Popen[bytes] | None" = None

    @property
    def id(self) -> ProcessId | None:
        """Pid and start time of the running child."""
        if self._child is None or self._child.poll() is not None:
            return None
        try:
            return ProcessId(self._child.pid, psutil.Process(self._child.pid).create_time(), int(self.stop_signal))
        except psutil.NoSuchProcess:
            return None

    @property
    def running(self) -> bool:
        return self._child is not None and self._child.poll() is None

    @property
    def exit_code(self) -> int | None:
        return None if self._child is None else self._child.poll()

    def start(self) -> None:
        """Start the program. It is not ready yet: `wait_ready` returns when it is."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        owner = self.account
        with self.log.open("ab") as log:
            self._child = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=dict(self.env),
                cwd="/",
                start_new_session=True,
                user=None if owner is None else owner.uid,
                group=None if owner is None else owner.gid,
                extra_groups=None if owner is None else [],
            )
        if self.on_start is not None:
            self.on_start(self)

    def wait_ready(
        self, probe: Callable[[], None], timeout_seconds: float = START_TIMEOUT_SECONDS, *, port: int | None = None
    ) -> None:
        """Wait until the probe no longer raises, and the child is who answers on `port`: it may be another stack's.

        A child that ended or never answers is a `StartFailed`.
        """
        deadline = time.monotonic() + timeout_seconds
        while True:
            try:
                probe()
                self._check_listens(port)
                return
            except Exception as error:  # noqa: BLE001  # whatever a client raises while nobody answers yet
                last = error
            if not self.running:
                raise StartFailed(self.name, self.log, f"it ended with code {self.exit_code}")
            if time.monotonic() > deadline:
                raise StartFailed(self.name, self.log, f"no answer within {timeout_seconds:.0f} s ({last})")
            time.sleep(PROBE_INTERVAL_SECONDS)

    def _check_listens(self, port: int | None) -> None:
        identity = self.id
        if port is not None and not (identity and identity.listens(port)):
            raise ConnectionError(f"another process answers on port {port}")

    def stop(self) -> None:
        """Ask it to end, wait for its grace, then kill it and its group."""
        if self._child is None or self._child.poll() is not None:
            return
        self._child.send_signal(self.stop_signal)
        try:
            self._child.wait(self.grace_seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """`kill -9`, as a crash would; waits until it is gone."""
        if self._child is None:
            return
        kill_group(self._child.pid)
        self._child.wait(KILL_WAIT_SECONDS)
