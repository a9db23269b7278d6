"""The commands that requests of this process wait for. Requests of one command and body share a waiter: one publishes, the others
join it.

Opened by `submit.py`, resolved by a reply (`handlers.py`) or by polling (`outcome_polling.py`). What is resolved is forgotten.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from uuid import UUID

from services.gateway.commands.command import ApiCommand
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.problems import ProblemError

MAX_WAITERS = 20_000
"""So many open commands a process keeps; more are refused before they are published."""
RETRY_AFTER_SECONDS = 2
"""When a refused one may come again. Not spread as after an absence (`http/retries.py`): waiters end one by one, so there is no
moment for which all who were refused would wait."""

WaiterKey = tuple[UUID, str]
"""A command id and the hash of a body."""


@dataclass(frozen=True)
class Answered:
    """How a command ended; `replayed` if that was decided for an earlier request."""

    answer: Answer
    replayed: bool = False


@dataclass
class Waiter:
    """An open command. Its future holds the end, or the problem that stopped the command before it was published."""

    command: ApiCommand
    poll_at: float
    """When booking is asked for the outcome, on the process's clock."""
    future: "asyncio.Future[Answered | ProblemError]"
    polled: asyncio.Event = field(default_factory=asyncio.Event)
    """Set after each poll that asked for this command."""
    requests: int = 1
    """How many requests wait."""

    @property
    def key(self) -> WaiterKey:
        return self.command.command_id, self.command.body_hash


class Waiters:
    """The open commands of a process."""

    def __init__(self) -> None:
        self._open: dict[WaiterKey, Waiter] = {}

    def __len__(self) -> int:
        return len(self._open)

    def __iter__(self) -> Iterator[Waiter]:
        return iter(list(self._open.values()))

    def join(self, command: ApiCommand) -> Waiter | None:
        """The waiter of a command that another request waits for already."""
        waiter = self._open.get((command.command_id, command.body_hash))
        if waiter is not None:
            waiter.requests += 1
        return waiter

    def open(self, command: ApiCommand, poll_at: float) -> Waiter:
        """A new waiter. Raises a `ProblemError` `not_accepted` when there are too many."""
        if len(self._open) >= MAX_WAITERS:
            raise ProblemError(Code.NOT_ACCEPTED, headers={"Retry-After": str(RETRY_AFTER_SECONDS)})
        waiter = Waiter(command, poll_at, asyncio.get_running_loop().create_future())
        self._open[waiter.key] = waiter
        return waiter

    def resolve(self, command_id: UUID, body_hash: str, end: Answered | ProblemError) -> bool:
        """Ends the wait of all requests for a command; False if none waits for it."""
        waiter = self._open.pop((command_id, body_hash), None)
        if waiter is None:
            return False
        waiter.future.set_result(end)
        return True

    def fail(self, waiter: Waiter, problem: ProblemError) -> None:
        """Ends the wait of all requests that joined with a problem, unless it has ended: the first end counts."""
        if self._open.get(waiter.key) is waiter:
            self.resolve(*waiter.key, problem)

    def leave(self, waiter: Waiter) -> None:
        """A request waits no longer. With the last one the command is forgotten."""
        waiter.requests -= 1
        if waiter.requests == 0 and self._open.get(waiter.key) is waiter:
            del self._open[waiter.key]
