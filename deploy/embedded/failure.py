"""The text of a failed start: the component, its last log lines, where the log is, a likely cause, what to type.

Raised by everything that starts a process; shown by the CLI.
"""

import re
from pathlib import Path

from deploy.failure import Failure

LAST_LINES = 10
_TAIL_BYTES = 16_384

# (what the log says, the likely cause, the command that helps); the first match wins.
_CAUSES: tuple[tuple[str, str, str], ...] = (
    (r"address already in use", "another program took its port after it was chosen", "frontdesk up"),
    (r"no space left on device", "the disk is full", "df -h ."),
    (r"outofmemory|cannot allocate memory|insufficient memory", "the machine is short of memory", "free -h"),
    (r"permission denied|operation not permitted", "the data folder belongs to somebody else", "ls -la .frontdesk"),
    (
        r"incompatible with server|invalid cluster\.id|inconsistentcluster",
        "the data is of another version",
        "frontdesk down --purge",
    ),
    (r"no module named|importerror", "the installed packages do not fit this code", "make up"),
    (r"read-only file system", "the data folder cannot be written", "FRONTDESK_HOME=/some/folder frontdesk up"),
)


class StackError(Failure):
    """The stack cannot go on; the text is for a person."""


class PortInUse(StackError):
    """Another process has the port that the stack was started with."""


class StartFailed(StackError):
    """A component did not come up."""

    def __init__(self, component: str, log: Path, reason: str) -> None:
        self.component = component
        self.log = log
        self.lines = last_lines(log)
        self.cause, self.command = likely_cause("\n".join([*self.lines, reason]))
        self.reason = reason
        super().__init__(self._text())

    def _text(self) -> str:
        quoted = "\n".join(f"    {line}" for line in self.lines) or "    (empty)"
        return (
            f"{self.component} did not start: {self.reason}\n  its last log lines:\n{quoted}\n"
            f"  log:          {self.log}\n  likely cause: {self.cause}\n  try:          {self.command}"
        )


def last_lines(log: Path, count: int = LAST_LINES) -> list[str]:
    """Last lines of a log, of which only the end is read; none if there is no log."""
    try:
        with log.open("rb") as file:
            file.seek(0, 2)
            file.seek(max(0, file.tell() - _TAIL_BYTES))
            return file.read().decode(errors="replace").splitlines()[-count:]
    except FileNotFoundError:
        return []


def likely_cause(text: str) -> tuple[str, str]:
    """Likely cause and a command, from what the log says."""
    for pattern, cause, command in _CAUSES:
        if re.search(pattern, text, re.IGNORECASE):
            return cause, command
    return "see its log", "frontdesk logs"
