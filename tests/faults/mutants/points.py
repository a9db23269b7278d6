"""Points at which a test can stop a service: it arms one, waits until the process has come there, then kills it or lets it go on.

Files in a folder are the signals, so that they outlive whoever is killed: `<service>.<point>.armed`, `….reached`, `….go`.
"""

import asyncio
from collections.abc import Iterable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.infra.kafka.consumer import Consumer
from shared.infra.kafka.records import encode
from shared.infra.outbox import Outbox, Written
from shared.infra.unit import Unit
from tests.faults.mutants.patching import replace

INTERVAL_SECONDS = 0.02
BEFORE_COMMIT = "before_commit"
"""All is written, also the outbox with its ids; the SQL commit comes next."""
AFTER_COMMIT = "after_commit"
"""The SQL commit is done; what the transaction says is published next. One that says nothing passes by."""
BEFORE_OFFSETS = "before_offsets"
"""All is published; the commit of the offsets comes next. Jobs, which read no record, never come here."""


@dataclass(frozen=True)
class Point:
    """One point, as the test and as the process see it. Each arming stops one passer-by: the next that is about what it names."""

    folder: Path
    service: str
    name: str

    def arm(self, *what: str) -> None:
        """The next one stops who has a message, received or said, in which all of this stands: ids, so that nobody else's work is
        meant, and perhaps its type."""
        for left_over in ("reached", "go"):
            self._file(left_over).unlink(missing_ok=True)
        self._file("arming").write_text("\n".join(what))
        self._file("arming").rename(self._file("armed"))

    def is_reached(self) -> bool:
        """Whether somebody stands here."""
        return self._file("reached").exists()

    def let_go(self) -> None:
        """Whoever stands here goes on, and nobody stops any more."""
        self._file("armed").unlink(missing_ok=True)
        self._file("go").touch()

    async def pass_by(self, messages: Iterable[bytes | None]) -> None:
        """Stops here if the point is armed for one of these."""
        armed = self._file("armed")
        if not armed.exists():
            return
        wanted = armed.read_bytes().split(b"\n")
        if not any(all(part in (message or b"") for part in wanted) for message in messages):
            return
        armed.rename(self._file("reached"))
        while not self._file("go").exists():  # noqa: ASYNC110 - another process raises no event here
            await asyncio.sleep(INTERVAL_SECONDS)

    def _file(self, what: str) -> Path:
        return self.folder / f"{self.service}.{self.name}.{what}"


def type_of(name: str) -> str:
    """How a message of a type says so."""
    return f'"type":"{name}"'


RECEIVED: ContextVar[Sequence[bytes | None]] = ContextVar("received", default=())
"""The batch that this task works at; a job and a request have none."""


def stop_at_points(folder: Path, service: str) -> None:
    """Makes this process of a service stop where the test in that folder wants it to."""
    before_commit, after_commit, before_offsets = (
        Point(folder, service, name) for name in (BEFORE_COMMIT, AFTER_COMMIT, BEFORE_OFFSETS)
    )
    consume, conclude, publish, commit = Consumer.consume, Unit.conclude, Outbox.publish, Consumer._commit

    async def remember_and_consume(self: Consumer, records: Sequence[Any]) -> None:
        RECEIVED.set([record.value for record in records])
        await consume(self, records)

    async def conclude_and_stop(self: Unit, outbox: Outbox) -> Written | None:
        written = await conclude(self, outbox)
        await before_commit.pass_by([*RECEIVED.get(), *(encode(message) for _, message in self.emitted)])
        return written

    async def stop_and_publish(self: Outbox, batch: Written) -> None:
        await after_commit.pass_by([*RECEIVED.get(), *(row.record.body for row in batch.rows)])
        await publish(self, batch)

    async def stop_and_commit(self: Consumer, records: Sequence[Any]) -> None:
        await before_offsets.pass_by(record.value for record in records)
        await commit(self, records)

    replace(Consumer, "consume", remember_and_consume)
    replace(Unit, "conclude", conclude_and_stop)
    replace(Outbox, "publish", stop_and_publish)
    replace(Consumer, "_commit", stop_and_commit)
