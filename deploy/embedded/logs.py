"""Reads the logs of a stack for `frontdesk logs`: of one component or of all, once or for as long as they grow."""

import sys
import time
from pathlib import Path

from deploy.embedded.failure import last_lines

POLL_SECONDS = 0.25
SHOWN_LINES = 50


def files(folder: Path) -> dict[str, Path]:
    """Current log of each component by the component's name."""
    return {path.stem: path for pattern in ("*.log", "*.jsonl") for path in sorted(folder.glob(pattern))}


def print_logs(folder: Path, component: str | None, follow: bool) -> None:
    """Print the last lines, then what comes if `follow`, until Ctrl-C."""
    positions: dict[Path, int] = {}
    for name, path in _chosen(folder, component).items():
        positions[path] = path.stat().st_size
        for line in last_lines(path, SHOWN_LINES):
            _print(name, line, component)
    try:
        while follow:
            for name, path in _chosen(folder, component).items():
                positions[path], lines = _grown(path, positions.get(path, 0))
                for line in lines:
                    _print(name, line, component)
            time.sleep(POLL_SECONDS)
    except KeyboardInterrupt:
        return


def _chosen(folder: Path, component: str | None) -> dict[str, Path]:
    return {name: path for name, path in files(folder).items() if component in (None, name)}


def _grown(path: Path, position: int) -> tuple[int, list[str]]:
    """Whole lines after a position and the position behind them; a log that was rotated is read from its start."""
    with path.open("rb") as file:
        file.seek(position if position <= path.stat().st_size else 0)
        start = file.tell()
        whole = file.read().rpartition(b"\n")
    return start + len(whole[0]) + len(whole[1]), whole[0].decode(errors="replace").splitlines()


def _print(name: str, line: str, component: str | None) -> None:
    """Print a line, with the component's name before it if several are printed."""
    sys.stdout.write(f"{line}\n" if component else f"{name:<13}{line}\n")
    sys.stdout.flush()
