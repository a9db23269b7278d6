"""What a stack keeps in its data folder: the version of the layout, its ports, and which processes it started.

The file only names processes. Whether one runs is for the operating system (pid and start time) and for its probe to say.
"""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from deploy.embedded.failure import StackError
from deploy.embedded.process import Process, ProcessId

# Another major means another layout of the folder; it is refused, not damaged.
LAYOUT_MAJOR, LAYOUT_MINOR = 1, 0
LEFTOVER_GRACE_SECONDS = 20.0


@dataclass
class StackState:
    """Everything that is kept, as plain values."""

    ports: dict[str, int] = field(default_factory=dict)
    processes: dict[str, ProcessId] = field(default_factory=dict)
    supervisor: ProcessId | None = None
    components: list[dict[str, Any]] = field(default_factory=list)
    demo: dict[str, str] | None = None


class StateFile:
    """`state.json` of one folder; written as a whole, so a reader never sees half of it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "state.json"
        self._lock = threading.Lock()

    def load(self) -> StackState:
        """What is kept, or an empty state of a new folder; another major layout raises."""
        try:
            stored = json.loads(self.path.read_text())
        except FileNotFoundError:
            return StackState()
        check_layout(str(stored.get("layout", "")), self.folder)
        supervisor = stored["supervisor"]
        return StackState(
            ports=stored["ports"],
            processes={name: ProcessId(**ids) for name, ids in stored["processes"].items()},
            supervisor=ProcessId(**supervisor) if supervisor else None,
            components=stored["components"],
            demo=stored["demo"],
        )

    def keep_ports(self, ports: dict[str, int]) -> None:
        """Keep ports for the next start."""
        with self.changing() as state:
            state.ports.update(ports)

    def remember(self, process: Process) -> None:
        """Keep who a just started process is, so that a later start finds it even if we are killed."""
        identity = process.id
        if identity is not None:
            with self.changing() as state:
                state.processes[process.name] = identity

    def forget(self, name: str) -> None:
        """Drop a process that was stopped."""
        with self.changing() as state:
            state.processes.pop(name, None)

    def leftovers(self) -> list[str]:
        """Names of the processes that were started here and still run."""
        return [name for name, identity in self.load().processes.items() if identity.find() is not None]

    def end_leftovers(self) -> list[str]:
        """Stop what a killed supervisor left running, the last started first; returns the names."""
        processes = self.load().processes
        left = [(name, processes[name]) for name in self.leftovers()]
        for _, identity in reversed(left):
            identity.end(LEFTOVER_GRACE_SECONDS)
        with self.changing() as state:
            state.processes.clear()
        return [name for name, _ in left]

    @contextlib.contextmanager
    def changing(self) -> Iterator[StackState]:
        """Read, change and replace the file; one thread at a time."""
        with self._lock:
            state = self.load()
            yield state
            self.folder.mkdir(parents=True, exist_ok=True)
            partial = self.path.with_suffix(".partial")
            partial.write_text(json.dumps({"layout": f"{LAYOUT_MAJOR}.{LAYOUT_MINOR}", **asdict(state)}, indent=2))
            partial.replace(self.path)


def check_layout(layout: str, folder: Path) -> None:
    """Raise if the folder was made by a Frontdesk that arranged it in another way."""
    if layout.split(".")[0] != str(LAYOUT_MAJOR):
        raise StackError(
            f"{folder} has data of layout {layout or 'unknown'}, this Frontdesk reads {LAYOUT_MAJOR}.x; nothing was touched.\n"
            "  try: FRONTDESK_HOME=/another/folder frontdesk up, or remove the old data with the Frontdesk that made it"
        )
