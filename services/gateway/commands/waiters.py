"""Who waits in this process for the answer to which command. Waiters of one (command, body) share a future: one produces, the
others join. Filled by `service.py`, resolved by replies (`handlers.py`) and looks (`looks.py`); what is resolved is forgotten.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

MAX_WAITERS = 20_000
"""So many open commands a process keeps; more are refused before they are produced."""

Key = tuple[UUID, str]


@dataclass(frozen=True)
class Answered:
    """How a command ended; `replayed` if that was decided for an earlier request."""

    answer: Answer
    replayed: bool = False


@dataclass
class Waiter:
    """An open command. Its future holds the end, or the problem that stopped it on its way."""

    clinic_id: UUID
    command_id: UUID
    body_hash: str
    accepted_at: datetime
    look_at: float
    future: "asyncio.Future[Answered | ProblemError]"
    looked: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after each look that asked for it."""
    waiting: int = 1

    @property
    def key(self) -> Key:
        return self.command_id, self.body_hash

    def resolve(self, end: Answered | ProblemError) -> None:
        """Ends the waiting; only the first end counts."""
        if not self.future.done():
            self.future.set_result(end)


class Waiters:
    """The open commands of a process."""

    def __init__(self) -> None:
        self._open: dict[Key, Waiter] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(list(self._open.values()))

    def join(self, command_id: UUID, body_hash: str) -> Waiter | None:
        """The waiter of a command that somebody here waits for already."""
        waiter = self._open.get((command_id, body_hash))
        if waiter is not None:
            waiter.waiting += 1
        return waiter

    def open(self, clinic_id: UUID, command_id: UUID, body_hash: str, accepted_at: datetime, look_at: float) -> Waiter:
        """A new waiter. Raises a `ProblemError` `not_accepted` when there are too many."""
        if len(self._open) >= MAX_WAITERS:
            raise ProblemError(Code.NOT_ACCEPTED, headers={"Retry-After": "2"})
        future = asyncio.get_running_loop().create_future()
        waiter = Waiter(clinic_id, command_id, body_hash, accepted_at, look_at, future)
        self._open[waiter.key] = waiter
        return waiter

    def resolve(self, command_id: UUID, body_hash: str, end: Answered) -> bool:
        """Ends the waiting for a command; False if nobody waits."""
        waiter = self._open.pop((command_id, body_hash), None)
        if waiter is None:
            return False
        waiter.resolve(end)
        return True

    def fail(self, waiter: Waiter, problem: ProblemError) -> None:
        """Ends the waiting of all who joined with a problem."""
        self._forget(waiter)
        waiter.resolve(problem)

    def leave(self, waiter: Waiter) -> None:
        """One who waited is gone; the last one closes the door."""
        waiter.waiting -= 1
        if waiter.waiting == 0:
            self._forget(waiter)

    def _forget(self, waiter: Waiter) -> None:
        if self._open.get(waiter.key) is waiter:
            del self._open[waiter.key]
