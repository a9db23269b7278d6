"""What clients asked and were told: one entry an answer, kept as JSON lines that are only ever appended to.

Written by the clients of the fault tests, read by the checker. It is data of HTTP only.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True)
class Entry:
    """One request and its answer. Without `status` the connection was lost, and nobody knows what became of it.

    `path` is without the API's prefix (`/appointments`, `/appointments/{id}/cancel`, `/checkins`), `started` and `ended` are
    seconds since the epoch, `code` is the problem's, `json` the answer's body, `command_id` its header, `gateway` who was asked.
    """

    key: str
    path: str
    body: dict[str, Any]
    started: float
    ended: float
    status: int | None
    code: str | None
    json: dict[str, Any] | None
    command_id: str | None
    gateway: str


class History:
    """All entries in the order in which they ended; with a file, each stands in it as soon as it is added."""

    def __init__(self, file: Path | None = None, entries: Iterable[Entry] = ()) -> None:
        self.entries = list(entries)
        self._file = file

    def add(self, entry: Entry) -> None:
        """Adds an answer."""
        self.entries.append(entry)
        if self._file:
            with self._file.open("a") as lines:
                lines.write(_line(entry))

    def save(self, file: Path) -> None:
        """Appends everything to a file."""
        with file.open("a") as lines:
            lines.writelines(map(_line, self.entries))

    @classmethod
    def load(cls, file: Path) -> Self:
        """The history that a file holds."""
        return cls(entries=[Entry(**json.loads(line)) for line in file.read_text().splitlines()])


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"
