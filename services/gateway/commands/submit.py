"""Takes a command to its end: its message is made and published, its answer is waited for. Called by `http/answers.py`."""

from collections.abc import Awaitable
from typing import Protocol

from services.gateway.commands.admission import Admission
from services.gateway.commands.command import ApiCommand
from services.gateway.commands.outcome_polling import FIRST_POLL_SECONDS, OutcomeHolder, OutcomePoller
from services.gateway.commands.replies import ReplyPartitions
from services.gateway.commands.waiters import Answered, Waiter, Waiters
from services.gateway.http.retries import refusal_to_repeat
from shared.contracts.commands import Outcome
from shared.contracts.envelope import ClientCommand
from shared.contracts.problems import Code
from shared.infra.clockwork import Clock
from shared.infra.kafka.publisher import NotAccepted, Unconfirmed
from shared.infra.kafka.records import Record, record_of
from shared.infra.metrics import COMMAND_DURATION, COMMANDS
from shared.infra.problems import ProblemError

PUBLISH_SECONDS = 3.0


class RecordPublisher(Protocol):
    """Writes a record and returns when the broker has it: `Publisher`. Raises `NotAccepted` or `Unconfirmed`."""

    async def send(self, record: Record, timeout_seconds: float | None = None) -> None: ...


class Commands:
    """The commands of one process."""

    def __init__(
        self,
        holder: OutcomeHolder,
        waiters: Waiters,
        poller: OutcomePoller,
        admission: Admission,
        publisher: RecordPublisher,
        reply_partitions: ReplyPartitions,
        clock: Clock,
    ) -> None:
        self._holder = holder
        self._waiters = waiters
        self._poller = poller
        self._admission = admission
        self._publisher = publisher
        self._reply_partitions = reply_partitions
        self._clock = clock

    async def submit(self, command: ApiCommand, message: Awaitable[ClientCommand], wait_seconds: float) -> Answered | None:
        """How the command ended, or None if it is still running after `wait_seconds`. Raises a `ProblemError`.

        `message` is awaited here and not by the route: a stored answer ranks above what keeps the message from being made.
        """
        started = self._clock.monotonic()
        outcome = "failed"
        try:
            answered = await self._answered(command, message, wait_seconds)
            outcome = "running" if answered is None else answered.answer.code or "succeeded"
        except ProblemError as problem:
            outcome = problem.code
            raise
        finally:
            COMMANDS.labels(type=command.type, outcome=outcome).inc()
        if answered is not None:
            COMMAND_DURATION.labels(type=command.type).observe(self._clock.monotonic() - started)
        return answered

    async def _answered(self, command: ApiCommand, message: Awaitable[ClientCommand], wait_seconds: float) -> Answered | None:
        """The steps of `submit`. Of several requests for one command and body the first publishes, the others join it."""
        deadline = self._clock.monotonic() + wait_seconds
        made: ClientCommand | None = None
        try:
            made = await message
        except ProblemError as refusal:
            outcome = await self._stored(command, refusal)
            if outcome.settled_at is not None:
                return Answered(outcome.answer, replayed=True)
        waiter = self._waiters.join(command)
        joined = waiter is not None
        if waiter is None:
            self._admission.check()
            waiter = self._waiters.open(command, self._clock.monotonic() + FIRST_POLL_SECONDS)
        try:
            if made is not None and not joined:
                await self._publish(command, made, waiter)
            return await self._end(waiter, deadline, poll_last=wait_seconds > 0)
        finally:
            self._waiters.leave(waiter)

    async def _stored(self, command: ApiCommand, refusal: ProblemError) -> Outcome:
        """The outcome of a repeat. It ranks above the refusal, for ids may be gone and slots be others by now.

        If it is not settled, its last step is waited for and nothing is published. Raises the refusal where nothing is stored.
        """
        pair = (command.caller.clinic_id, command.command_id)
        found = await self._holder.outcomes([pair]) if command.keyed_by_client else []
        if not found:
            raise refusal
        [outcome] = found
        if outcome.body_hash != command.body_hash:
            raise ProblemError(Code.KEY_REUSED)
        return outcome

    async def _publish(self, command: ApiCommand, message: ClientCommand, waiter: Waiter) -> None:
        """Publishes the message. A failure is the end for all requests that joined the waiter meanwhile."""
        addressed = message.model_copy(update={"reply_partition": self._reply_partitions.next()})
        try:
            await self._publisher.send(record_of(command.kind.topic, addressed), PUBLISH_SECONDS)
        except NotAccepted:
            self._admission.close()
            self._waiters.fail(waiter, refusal_to_repeat(self._clock, Code.NOT_ACCEPTED))
        except Unconfirmed:
            self._admission.close()
            self._waiters.fail(waiter, refusal_to_repeat(self._clock, Code.UNKNOWN_OUTCOME))

    async def _end(self, waiter: Waiter, deadline: float, *, poll_last: bool) -> Answered | None:
        """The end of the command, or None if there is none by the deadline, nor after the poll that precedes a 202."""
        ended = await self._clock.wait_for(waiter.future, deadline - self._clock.monotonic())
        if not ended and poll_last:
            await self._poller.poll_now(waiter)
        if not waiter.future.done():
            return None
        end = waiter.future.result()
        if isinstance(end, ProblemError):  # raised by several requests: each needs an error of its own
            raise ProblemError(end.code, end.detail, errors=end.errors, headers=end.headers, extra=end.extra)
        return end
