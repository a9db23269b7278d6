"""Keeps the logs of the children bounded: 10 MiB, five older ones of each.

A log is copied and then cut in place, because its writer keeps it open for appending.
Called by the supervisor.
"""

import shutil
from pathlib import Path

MAX_LOG_BYTES = 10 * 1024 * 1024
KEPT_LOGS = 5
PATTERNS = ("*.log", "*.jsonl")


def rotate(folder: Path, max_bytes: int = MAX_LOG_BYTES) -> None:
    """Rotate each log of a folder that has grown too large."""
    for pattern in PATTERNS:
        for log in folder.glob(pattern):
            if log.stat().st_size > max_bytes:
                _rotate_one(log)


def _rotate_one(log: Path) -> None:
    for number in range(KEPT_LOGS - 1, 0, -1):
        older = _numbered(log, number)
        if older.exists():
            older.replace(_numbered(log, number + 1))
    shutil.copyfile(log, _numbered(log, 1))
    with log.open("r+b") as file:
        file.truncate(0)


def _numbered(log: Path, number: int) -> Path:
    return log.with_name(f"{log.name}.{number}")
