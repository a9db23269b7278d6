"""What is done with a batch whose transaction fails: wait and try again, take it apart, give up what fails alone.

Knows no Kafka and no database: the consumer hands in the transaction, the look whether the database answers, and what giving up
means. The rules and why they are so: `docs/architecture.md`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, ParamSpec, Protocol, TypeVar

import structlog

from shared.infra.clockwork import Clock
from shared.infra.errors import is_conflict, is_overrun, is_transient
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
HELD_UP_SECONDS = 10.0
"""So long what is held up of a batch is tried by itself, at least once, while other batches wait."""
PARTS_OF_ALL = 3
"""So many parts that are held up, and none that is not, tell of a trouble of the whole store: that is waited out."""
KNOWN_SECONDS = 60.0
"""So long a part is known to be held up: it comes behind the others then, and is tried for a fifth of the time."""
KNOWN_SHARE = 0.2
BACKOFF_FIRST_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 5.0


class Stopping(Exception):
    """The process is shutting down, or its partitions changed: the batch is left as it is, its offsets unmoved."""


class HeldUp(Exception):
    """A transaction fails again and again in a way that passes by itself, and the database answers: something in it waits."""


class Transaction(Protocol[T_contra]):
    """Has the effect of some items, in order. A `brief` one waits for no lock and no statement longer than a few seconds."""

    async def __call__(self, items: Sequence[T_contra], *, brief: bool) -> None: ...


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
        self._known: dict[Hashable, float] = {}
        """Until when a part is known to be held up."""

    async def run(self, batch: Sequence[T]) -> None:
        """Takes each item of a batch to its end. Raises `Stopping` only."""
        now = self._clock.monotonic()
        self._known = {part: until for part, until in self._known.items() if until > now}
        known = [one for one in batch if self._part_of(one) in self._known]
        failed = await self._together([one for one in batch if self._part_of(one) not in self._known])
        await self._each_part(failed, HELD_UP_SECONDS)
        await self._each_part(self._parts(known), HELD_UP_SECONDS * KNOWN_SHARE)

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
        """What ran out of its time is not tried again as it is: the others of its batch would wait for it once more."""
        often = equal >= EQUAL_FAILURES and not is_conflict(error)
        return (is_overrun(error) or often) and await self._answers()

    async def _together(self, batch: Sequence[T]) -> Parts[T]:
        """All at once, else part by part. Returns the parts that have failed; everything else is done."""
        attempt = 0
        while batch:
            try:
                await self.until_committed(self._transaction, batch, brief=False)
                break
            except Stopping:
                raise
            except Exception as error:
                log.exception("batch_failed", group=self._group, size=len(batch), error=type(error).__name__)
            failed = await self._in_parts(self._parts(batch))
            if failed is not None:
                return failed
            attempt += 1
            await self.back_off(attempt)
        return {}

    def _parts(self, batch: Sequence[T]) -> Parts[T]:
        parts: Parts[T] = {}
        for one in batch:
            parts.setdefault(self._part_of(one), []).append(one)
        return parts

    async def _in_parts(self, parts: Parts[T]) -> Parts[T] | None:
        """Each part once, briefly. Returns those that failed; None as soon as it seems that all are held up."""
        if len(parts) == 1:
            return parts
        failed: Parts[T] = {}
        held_up = committed = 0
        for part, items in parts.items():
            try:
                await self.until_committed(self._transaction, items, brief=True)
                committed += 1
            except Stopping:
                raise
            except Exception as error:
                log.exception("part_failed", group=self._group, size=len(items), error=type(error).__name__)
                failed[part] = items
                held_up += isinstance(error, HeldUp)
            if held_up == PARTS_OF_ALL and not committed:
                return None
        return failed

    async def _each_part(self, parts: Parts[T], seconds: float) -> None:
        deadline = self._clock.monotonic() + seconds
        for part, items in parts.items():
            if await self._one_by_one(items, deadline):
                self._known.pop(part, None)
            else:
                self._known[part] = self._clock.monotonic() + KNOWN_SECONDS

    async def _one_by_one(self, items: Sequence[T], deadline: float) -> bool:
        """The items of a part. The first that stays held up is given up, and so are the others if they are held up, too.

        Returns whether none was.
        """
        for number, one in enumerate(items, 1):
            if reason := await self._until_deadline([one], deadline):
                await self._give_up(one, reason, 1)
                rest = items[number:]
                for other in rest if rest and await self._until_deadline(rest, deadline) else ():
                    await self._give_up(other, reason, 1)
                return False
        return True

    async def _until_deadline(self, items: Sequence[T], deadline: float) -> str | None:
        """Some items of a part, briefly and at least once; what they are held up by, if they are. Bugs are found one by one."""
        while True:
            try:
                await self.until_committed(self._transaction, items, brief=True)
                return None
            except Stopping:
                raise
            except HeldUp as held_up:
                if self._clock.monotonic() >= deadline:
                    return str(held_up)
            except Exception as error:
                log.exception("part_failed", group=self._group, size=len(items), error=type(error).__name__)
                for one in items:
                    await self._alone(one)
                return None

    async def _alone(self, one: T) -> None:
        """One item that fails for another reason; after five failures it is given up."""
        for attempt in range(1, ATTEMPTS_ALONE + 1):
            try:
                await self.until_committed(self._transaction, [one], brief=False)
                return
            except Stopping:
                raise
            except Exception as error:
                reason = type(error).__name__
                log.exception("message_failed", group=self._group, attempt=attempt)
            await self.back_off(attempt)
        await self._give_up(one, reason, ATTEMPTS_ALONE)
