"""What is done with a batch whose transaction fails: wait and try again, take it apart, give up what fails alone.

Knows no Kafka and no database: the consumer hands in the transaction and what giving up means. The rules and why they are so:
`docs/architecture.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, ParamSpec, TypeVar

import structlog

from shared.infra.clockwork import Clock
from shared.infra.errors import is_conflict, is_transient
from shared.infra.metrics import BATCH_RETRIES

log = structlog.get_logger()

T = TypeVar("T")
P = ParamSpec("P")

ATTEMPTS_ALONE = 5
"""So often an item may fail by itself before it is given up."""
CONFLICT_ATTEMPTS = 8
"""So often a batch may meet a constraint that its own checks did not foresee before that counts as a bug."""
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 5.0


class Stopping(Exception):
    """The process is shutting down, or its partitions changed: the batch is left as it is, its offsets unmoved."""


class BatchPolicy(Generic[T]):
    """The policy of one consumer. `transaction` has the effect of some items, `give_up` ends one that will never succeed."""

    def __init__(
        self,
        group: str,
        clock: Clock,
        transaction: Callable[[Sequence[T]], Awaitable[None]],
        give_up: Callable[[T, str, int], Awaitable[None]],
    ) -> None:
        """`give_up` gets the item, the name of its last error, and how often it was tried."""
        self.stopping = asyncio.Event()
        self._group = group
        self._clock = clock
        self._transaction = transaction
        self._give_up = give_up

    async def run(self, batch: Sequence[T]) -> None:
        """Takes each item of a batch to its end. Raises `Stopping` only."""
        if not batch:
            return
        try:
            await self.until_committed(self._transaction, batch)
        except Stopping:
            raise
        except Exception as error:
            log.exception("batch_failed", group=self._group, size=len(batch), error=type(error).__name__)
            for one in batch:
                await self._alone(one)

    async def until_committed(self, transaction: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        """Runs a transaction, with these arguments, until it commits, or fails with what no waiting mends."""
        attempt = 0
        while True:
            try:
                await transaction(*args, **kwargs)
                return
            except Exception as error:
                attempt += 1
                if not is_transient(error) or (is_conflict(error) and attempt >= CONFLICT_ATTEMPTS):
                    raise
                BATCH_RETRIES.labels(kind=type(error).__name__).inc()
                log.warning("batch_retried", group=self._group, attempt=attempt, error=type(error).__name__)
                await self.back_off(attempt)

    async def back_off(self, attempt: int) -> None:
        """Capped exponential back-off with full jitter. Raises `Stopping` if the process is asked to stop meanwhile."""
        seconds = self._clock.jitter(min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2**attempt))
        if await self._clock.wait(self.stopping, seconds):
            raise Stopping

    async def _alone(self, one: T) -> None:
        """One item by itself; after five failures it is given up, and the others go on."""
        for attempt in range(1, ATTEMPTS_ALONE + 1):
            try:
                await self.until_committed(self._transaction, [one])
                return
            except Stopping:
                raise
            except Exception as error:
                reason = type(error).__name__
                log.exception("message_failed", group=self._group, attempt=attempt)
            await self.back_off(attempt)
        await self._give_up(one, reason, ATTEMPTS_ALONE)
