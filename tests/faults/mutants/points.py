"""Points at which a test can stop a service: it arms one, waits until the process has come there, then kills it or lets it go on.

Files in a folder are the signals, so that they outlive whoever is killed: `<service>.<point>.armed`, `….reached`, `….go`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.contracts.envelope import Message
from shared.contracts.topics import Topic
from shared.infra.delivery import Delivery
from shared.infra.outbox import Outbox, Written
from shared.infra.postgres import Connection
from tests.faults.mutants.patching import replace

INTERVAL_SECONDS = 0.02
BEFORE_COMMIT = "before_commit"
"""All is written, also the outbox with its ids; the SQL commit comes next. Transactions that say nothing pass by."""
BEFORE_OFFSETS = "before_offsets"
"""The SQL commit is done; the commit of the offsets comes next."""


@dataclass(frozen=True)
class Point:
    """One point, as the test and as the process see it. Each arming stops one passer-by: the next that is about what it names."""

    folder: Path
    service: str
    name: str

    def arm(self, what: str) -> None:
        """The next one stops whose messages have this in a key: a doctor's id, so that nobody else's work is meant."""
        for left_over in ("reached", "go"):
            self._file(left_over).unlink(missing_ok=True)
        self._file("arming").write_text(what)
        self._file("arming").rename(self._file("armed"))

    def is_reached(self) -> bool:
        """Whether somebody stands here."""
        return self._file("reached").exists()

    def let_go(self) -> None:
        """Whoever stands here goes on."""
        self._file("go").touch()

    async def pass_by(self, keys: Iterable[bytes | None]) -> None:
        """Stops here if the point is armed for one of these."""
        armed = self._file("armed")
        if not armed.exists() or not any(armed.read_bytes() in (key or b"") for key in keys):
            return
        armed.rename(self._file("reached"))
        while not self._file("go").exists():  # noqa: ASYNC110 - another process raises no event here
            await asyncio.sleep(INTERVAL_SECONDS)

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.service}.{self.name}.{what}"


def stop_at_points(folder: Path, service: str) -> None:
    """Makes this process of a service stop where the test in that folder wants it to."""
    before_commit, before_offsets = Point(folder, service, BEFORE_COMMIT), Point(folder, service, BEFORE_OFFSETS)
    write, commit = Outbox.write, Delivery._commit

    async def write_and_stop(self: Outbox, connection: Connection, said: Sequence[tuple[Topic, Message]]) -> Written:
        written = await write(self, connection, said)
        await before_commit.pass_by(message.key for _, message in said)
        return written

    async def stop_and_commit(self: Delivery, records: Sequence[Any]) -> None:
        await before_offsets.pass_by(record.key for record in records)
        await commit(self, records)

    replace(Outbox, "write", write_and_stop)
    replace(Delivery, "_commit", stop_and_commit)
