"""Takes a command to its end: its ids are known, owners are asked, its message is published, its answer is waited for.

The only use case of the gateway that is more than passing on; called by the routes.
"""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol

from services.gateway.commands.admission import Admission
from services.gateway.commands.command import Build, Command
from services.gateway.commands.outcome_polling import FIRST_LOOK_SECONDS, Looks
from services.gateway.commands.waiters import Answered, Waiter, Waiters
from services.gateway.owners.client import retry_after
from services.gateway.owners.known_ids import KnownIds
from shared.contracts.problems import Code
from shared.infra.kafka.publisher import NotAccepted, Unconfirmed
from shared.infra.kafka.records import Record, record_of
from shared.infra.metrics import COMMAND_DURATION, COMMANDS
from shared.infra.problems import ProblemError

PRODUCE_SECONDS = 3.0

UNKNOWN = {"doctor": Code.UNKNOWN_DOCTOR, "patient": Code.UNKNOWN_PATIENT}


class Producer(Protocol):
    """Writes a record and waits until the broker has it."""

    async def send(self, record: Record, timeout_seconds: float | None = None) -> None: ...


class Commands:
    """The commands of one process. `partition` names a partition of the replies that this process hears at this moment."""

    def __init__(
        self,
        known: KnownIds,
        waiters: Waiters,
        looks: Looks,
        admission: Admission,
        producer: Producer,
        partition: Callable[[], int | None],
    ) -> None:
        self._known = known
        self._waiters = waiters
        self._looks = looks
        self._admission = admission
        self._producer = producer
        self._partition = partition

    async def submit(self, command: Command, wait_seconds: float) -> Answered | None:
        """The end of the command, or None if it is still running when the time is over. Raises a `ProblemError`."""
        started = time.perf_counter()
        outcome = "failed"
        try:
            answered = await self._submit(command, wait_seconds)
            outcome = _outcome(answered)
        except ProblemError as problem:
            outcome = problem.code.value
            raise
        finally:
            COMMANDS.labels(type=command.type, outcome=outcome).inc()
        if answered is not None:
            COMMAND_DURATION.labels(type=command.type).observe(time.perf_counter() - started)
        return answered

    async def _submit(self, command: Command, wait_seconds: float) -> Answered | None:
        deadline = time.monotonic() + wait_seconds
        build: Build | None = None
        try:
            build = await self._resolved(command)
        except ProblemError as refusal:
            stored = await self._stored(command, refusal)
            if stored is not None:
                return stored
        waiter = self._waiters.join(command.command_id, command.body_hash)
        first = waiter is None
        waiter = waiter or self._opened(command)
        try:
            if first and build is not None:
                await self._publish(command, build, waiter)
            return await self._end(waiter, deadline, last_look=wait_seconds > 0)
        finally:
            self._waiters.leave(waiter)

    async def _resolved(self, command: Command) -> Build:
        """How the message is built. Not the route but this asks owners, because a stored answer ranks above their refusal."""
        unknown = await self._known.first_unknown(command.caller, command.named) if command.named else None
        if unknown is not None:
            raise ProblemError(UNKNOWN[unknown])
        return await command.resolve(command)

    async def _stored(self, command: Command, refusal: ProblemError) -> Answered | None:
        """A stored answer goes before what keeps a command from being sent again: ids may be gone, slots may be others by now.

        None if the command was decided and is still to be settled. Raises the refusal where nothing is stored.
        """
        outcome = None
        if command.keyed_by_client:
            outcome = await self._looks.stored(command.caller.clinic_id, command.command_id)
        if outcome is None:
            raise refusal
        if outcome.body_hash != command.body_hash:
            raise ProblemError(Code.KEY_REUSED)
        return Answered(outcome.answer, replayed=True) if outcome.settled_at is not None else None

    def _opened(self, command: Command) -> Waiter:
        self._admission.check()
        look_at = time.monotonic() + FIRST_LOOK_SECONDS
        return self._waiters.open(command.caller.clinic_id, command.command_id, command.body_hash, command.accepted_at, look_at)

    async def _publish(self, command: Command, build: Build, waiter: Waiter) -> None:
        """Produces the command. What goes wrong concerns all who joined the waiter meanwhile."""
        record = record_of(command.kind.topic, build(command.envelope(self._partition())))
        try:
            await self._producer.send(record, PRODUCE_SECONDS)
        except NotAccepted:
            self._admission.close()
            self._waiters.fail(waiter, ProblemError(Code.NOT_ACCEPTED, headers=retry_after()))
        except Unconfirmed:
            self._admission.close()
            self._waiters.fail(waiter, ProblemError(Code.UNKNOWN_OUTCOME, headers=retry_after()))

    async def _end(self, waiter: Waiter, deadline: float, *, last_look: bool) -> Answered | None:
        await asyncio.wait({waiter.future}, timeout=max(0.0, deadline - time.monotonic()))
        if not waiter.future.done() and last_look:
            await self._looks.last(waiter)
        if not waiter.future.done():
            return None
        end = waiter.future.result()
        if isinstance(end, ProblemError):
            raise ProblemError(end.code, end.detail, headers=end.headers)
        return end


def _outcome(answered: Answered | None) -> str:
    """The label of a command's metric: its problem code is one of a closed list."""
    if answered is None:
        return "running"
    return answered.answer.code.value if answered.answer.code else "succeeded"


class Rotation:
    """Takes turns over the partitions that are held at each moment."""

    def __init__(self, held: Callable[[], list[int]]) -> None:
        self._held = held
        self._turn = 0

    def __call__(self) -> int | None:
        held = self._held()
        if not held:
            return None
        self._turn += 1
        return held[self._turn % len(held)]
