"""Kafka in: the replies to commands. Nothing depends on one: `commands/outcome_polling.py` finds the outcome without it."""

from collections.abc import Sequence

from services.gateway.commands.waiters import Answered, Waiters
from shared.contracts.commands import CommandAnswered
from shared.contracts.envelope import Message
from shared.infra.kafka.stream import Listener
from shared.infra.metrics import REPLIES


def make_listener(waiters: Waiters) -> Listener:
    """Resolves the waiter of each reply. One without a waiter was answered already, or was meant for another process."""

    async def listen(messages: Sequence[Message]) -> None:
        for reply in messages:
            if isinstance(reply, CommandAnswered) and reply.command_id is not None and reply.body_hash is not None:
                awaited = waiters.resolve(reply.command_id, reply.body_hash, Answered(reply.answer, reply.replayed))
                REPLIES.labels(outcome="awaited" if awaited else "unawaited").inc()

    return listen
