"""What is done with a batch whose transaction fails: wait and try again, take it apart, give up what fails alone.

Knows no Kafka and no database: the consumer hands in the transaction, the look whether the database answers, and what giving up
means. The rules and why they are so: `docs/architecture.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Generic, ParamSpec, Protocol, TypeVar

import structlog

from shared.infra.clockwork import Clock
from shared.infra.errors import UnknownClinic, is_conflict, is_overrun, is_transient
from shared.infra.metrics import BATCH_RETRIES

log = structlog.get_logger()

T = TypeVar("T")
Parts = dict[Hashable, list[T]]
T_contra = TypeVar("T_contra", contravariant=True)
P = ParamSpec("P")

ATTEMPTS_ALONE = 5
"""So often an item may fail by itself before it is given up."""
CONFLICT_ATTEMPTS = 8
"""So often a batch may meet a constraint that its own checks did not foresee before that counts as a bug."""
EQUAL_FAILURES = 5
"""So often in succession a batch may fail in the same passing way, while the database answers, before it is taken apart."""
HELD_UP_SECONDS = 45.0
"""So long an item may be held up while others have their effect: longer than Postgres bears with a frozen process."""
GIVING_UP_SECONDS = 5.0
"""So long items of a part are given up one after the other before the next batch has its turn."""
FORGOTTEN_SECONDS = 60.0
"""So long after it was seen last a part no longer counts as held up: its items went to another process."""
PARTS_OF_ALL = 3
"""So many parts that are held up, and none that is not, tell of a trouble of the whole store."""
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 5.0


class Stopping(Exception):
    """The process is shutting down, or its partitions changed: the batch is left as it is, its offsets unmoved."""


class HeldUp(Exception):
    """A transaction fails again and again in a way that passes by itself, and the database answers: something in it waits."""


class Transaction(Protocol[T_contra]):
    """Has the effect of some items, in order. A `brief` one waits for no lock and no statement longer than a few seconds."""

    async def __call__(self, items: Sequence[T_contra], *, brief: bool) -> None: ...


@dataclass
class _Trouble:
    """Since when a part is held up, and when that was seen last, on the monotonic clock."""

    since: float
    seen: float


class BatchPolicy(Generic[T]):
    """The policy of one consumer."""

    def __init__(
        self,
        group: str,
        clock: Clock,
        transaction: Transaction[T],
        give_up: Callable[[T, str, int], Awaitable[None]],
        answers: Callable[[], Awaitable[bool]],
        part_of: Callable[[T], Hashable],
    ) -> None:
        """`give_up` ends an item that does not succeed: it gets the item, the name of its last error, and how often it was tried.

        `answers` says whether the database does. Items of one part stay in their order, whatever becomes of others.
        """
        self.stopping = asyncio.Event()
        self._group = group
        self._clock = clock
        self._transaction = transaction
        self._give_up = give_up
        self._answers = answers
        self._part_of = part_of
        self._troubles: dict[Hashable, _Trouble] = {}
        self._committed_at = clock.monotonic()

    async def run(self, batch: Sequence[T]) -> list[T]:
        """Takes each item of a batch to its end, but for those that are held up: these are returned, to come again in a while.

        Parts that are known to be held up come behind the others, briefly. Raises `Stopping` only.
        """
        now = self._clock.monotonic()
        self._troubles = {part: one for part, one in self._troubles.items() if now < one.seen + FORGOTTEN_SECONDS}
        known = [one for one in batch if self._part_of(one) in self._troubles]
        try:
            failed = await self._together([one for one in batch if self._part_of(one) not in self._troubles])
        except HeldUp:
            return list(batch)
        held_up: list[T] = []
        for part, items in (*failed.items(), *self._parts(known).items()):
            held_up += await self._one_by_one(part, items)
        return held_up

    async def until_committed(self, transaction: Callable[P, Awaitable[None]], *args: P.args, **kwargs: P.kwargs) -> None:
        """Runs a transaction, with these arguments, until it commits, or fails with what no waiting mends, or is `HeldUp`."""
        attempt = equal = 0
        last: type[Exception] | None = None
        while True:
            try:
                await transaction(*args, **kwargs)
                return
            except Exception as error:
                attempt += 1
                equal = equal + 1 if type(error) is last else 1
                last = type(error)
                if not is_transient(error) or (is_conflict(error) and attempt >= CONFLICT_ATTEMPTS):
                    raise
                BATCH_RETRIES.labels(kind=last.__name__).inc()
                log.warning("batch_retried", group=self._group, attempt=attempt, error=last.__name__)
                if await self._is_held_up(error, equal):
                    raise HeldUp(last.__name__) from error
                await self.back_off(attempt)

    async def back_off(self, attempt: int) -> None:
        """Capped exponential back-off with full jitter. Raises `Stopping` if the process is asked to stop meanwhile."""
        seconds = self._clock.jitter(min(BACKOFF_MAX_SECONDS, BACKOFF_FIRST_SECONDS * 2**attempt))
        if await self._clock.wait(self.stopping, seconds):
            raise Stopping

    async def _is_held_up(self, error: Exception, equal: int) -> bool:
        """What ran out of its time, or waits for another message, is not tried again as it is: its batch would wait once more."""
        often = equal >= EQUAL_FAILURES and not is_conflict(error)
        return (is_overrun(error) or isinstance(error, UnknownClinic) or often) and await self._answers()

    async def _together(self, batch: Sequence[T]) -> Parts[T]:
        """All at once, else part by part. Returns the parts that have failed; everything else is done.

        Raises `HeldUp` when that is not the fault of some part, but of the whole store.
        """
        if not batch:
            return {}
        try:
            await self._committed(batch, brief=False)
        except Stopping:
            raise
        except Exception as error:
            log.exception("batch_failed", group=self._group, size=len(batch), error=type(error).__name__)
            return await self._in_parts(self._parts(batch))
        return {}

    async def _in_parts(self, parts: Parts[T]) -> Parts[T]:
        failed = dict(parts)
        held_up = 0
        for part, items in parts.items() if len(parts) > 1 else ():
            try:
                await self._committed(items, brief=True)
                del failed[part]
            except Stopping:
                raise
            except Exception as error:
                log.exception("part_failed", group=self._group, size=len(items), error=type(error).__name__)
                held_up += isinstance(error, HeldUp) and not isinstance(error.__cause__, UnknownClinic)
            if held_up == PARTS_OF_ALL and len(failed) == len(parts):
                raise HeldUp
        return failed

    def _parts(self, batch: Sequence[T]) -> Parts[T]:
        parts: Parts[T] = {}
        for one in batch:
            parts.setdefault(self._part_of(one), []).append(one)
        return parts

    async def _one_by_one(self, part: Hashable, items: Sequence[T]) -> list[T]:
        """The items of a part, each by itself. Returns those that are held up; one that is so for too long is given up."""
        began = self._clock.monotonic()
        for number, one in enumerate(items):
            try:
                await self._committed([one], brief=True)
            except Stopping:
                raise
            except HeldUp as held_up:
                if not self._for_too_long(part) or self._clock.monotonic() > began + GIVING_UP_SECONDS:
                    return list(items[number:])
                await self._give_up(one, str(held_up), 1)
            except Exception as error:
                log.exception("part_failed", group=self._group, size=1, error=type(error).__name__)
                await self._alone(one)
        return []

    def _for_too_long(self, part: Hashable) -> bool:
        """Whether a part that is held up is so for too long, and others had their effect meanwhile: else it is not the part."""
        now = self._clock.monotonic()
        trouble = self._troubles.setdefault(part, _Trouble(now, now))
        trouble.seen = now
        return now >= trouble.since + HELD_UP_SECONDS and self._committed_at > trouble.since

    async def _committed(self, items: Sequence[T], *, brief: bool) -> None:
        """Raises what `until_committed` raises. What has its effect is held up no more."""
        await self.until_committed(self._transaction, items, brief=brief)
        self._committed_at = self._clock.monotonic()
        for one in items:
            self._troubles.pop(self._part_of(one), None)

    async def _alone(self, one: T) -> None:
        """One item that fails for another reason; after five failures it is given up."""
        for attempt in range(1, ATTEMPTS_ALONE + 1):
            try:
                await self._committed([one], brief=False)
                return
            except Stopping:
                raise
            except Exception as error:
                reason = type(error).__name__
                log.exception("message_failed", group=self._group, attempt=attempt)
            await self.back_off(attempt)
        await self._give_up(one, reason, ATTEMPTS_ALONE)
