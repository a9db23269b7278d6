"""What clients asked and were told: one entry an answer, kept as JSON lines that are only ever appended to.

Written by the clients of the fault tests, read by the checker. It is data of HTTP only.
"""

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

RUNNING = 202
NOT_FINAL = (RUNNING, 429, 500, 503)
"""After these a client asks again."""
ABOUT_THE_REQUEST = (
    "invalid_json", "invalid_header", "validation_failed", "body_too_large", "key_reused", "not_found", "method_not_allowed",
)  # fmt: skip
"""Refusals of one request that say nothing of the command whose key it has."""
NEVER_SENT = ("not_accepted", "unavailable", *ABOUT_THE_REQUEST)
"""Refusals before anything was produced."""


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

    @property
    def is_final(self) -> bool:
        """Whether it tells how the command ended."""
        return self.status is not None and self.status not in NOT_FINAL and self.code not in ABOUT_THE_REQUEST

    @property
    def succeeded(self) -> bool:
        """Whether it tells that the command was done."""
        return self.is_final and self.code is None

    @property
    def refused(self) -> bool:
        """Whether it tells that the command was refused for good."""
        return self.is_final and self.code is not None

    @property
    def was_sent(self) -> bool:
        """Whether the command may have reached the log by this request."""
        return self.code not in NEVER_SENT and self.status != 429

    @property
    def command(self) -> tuple[str, str]:
        """What the key is scoped to, as far as a client knows: the path, without ids in it, and the key."""
        return _operation(self.path), self.key


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


def _operation(path: str) -> str:
    """A path without the ids in it. A DELETE of an appointment is its cancellation."""
    noun, *rest = path.strip("/").split("/")
    return "/".join((noun, *(rest[1:] or ["cancel"]))) if rest else noun


def _line(entry: Entry) -> str:
    return json.dumps(asdict(entry)) + "\n"
