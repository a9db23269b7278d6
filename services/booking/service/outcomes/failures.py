"""Commands that could not be processed: they, or a later step of them, became dead letters. Booking keeps their outcomes.

Other services emit `CommandFailed` for theirs; booking refuses its own in a transaction of their own.
"""

from collections.abc import Sequence

import structlog

from services.booking.service.appointments.reservations import command_of, refuse_reservation
from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved
from shared.contracts.commands import Answer, CommandFailed
from shared.contracts.envelope import Message, RegistryMessage
from shared.contracts.problems import Code
from shared.contracts.topics import ALL_TOPICS
from shared.infra.metrics import STEPS_FAILED
from shared.infra.unit import Unit

log = structlog.get_logger()

KNOWN_TYPES = frozenset(name for topic in ALL_TOPICS for name in topic.types)
INTERNAL = Answer.refusal(Code.INTERNAL)


async def refuse_failed(unit: Unit, decisions: Decisions, messages: Sequence[CommandFailed]) -> None:
    """Refuses with `internal` those of the failed commands that nobody has decided. Called by `handlers.py`."""
    for message in messages:
        if message.is_first_step:
            _refuse(unit, decisions, message, message.failed)
        else:
            _report_step(decisions, message, message.failed)


async def fail_own(unit: Unit, message: Message) -> None:
    """Refuses the command of a message that booking could not process, or reports its step. Called by the consumer.

    An event of the registry belongs to no command.
    """
    if isinstance(message, RegistryMessage):
        return
    decisions = await Decisions.read(unit, [message])
    if isinstance(message, SlotReserved) and decisions.of(message) is None:
        refuse_reservation(unit, decisions, message, INTERNAL)
    elif isinstance(message, BookingRefused | SlotKept):
        _refuse(unit, decisions, message, command_of(message))
    elif message.is_command:
        _refuse(unit, decisions, message, message.type)
    else:
        _report_step(decisions, message, message.type)
    await decisions.store(unit.connection)


def _refuse(unit: Unit, decisions: Decisions, cause: Message, command: str) -> None:
    """Decides a command, unless it has an outcome."""
    if decisions.of(cause) is None:
        decisions.decide(unit, cause, command, INTERNAL, settled=True)


def _report_step(decisions: Decisions, cause: Message, failed: str) -> None:
    """Counts and logs a later step that failed while a client still waits for it. It changes no decision: a redrive ends it."""
    outcome = decisions.of(cause)
    if outcome is not None and outcome.settled_at is None:
        STEPS_FAILED.labels(type=failed if failed in KNOWN_TYPES else "unknown").inc()
        log.error("step_failed", type=failed, command_id=str(cause.command_id), correlation_id=cause.correlation_id)
