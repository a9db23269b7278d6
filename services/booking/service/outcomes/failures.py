"""Commands that could not be carried on: they, or a step of them, became dead letters. Booking keeps their outcomes and says so.

Other services tell by `CommandFailed`; what booking itself could not process it refuses directly, in a transaction of its own.
"""

from collections.abc import Sequence

import structlog

from services.booking.service.appointments.batch import Desk, command_of
from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved
from shared.contracts.booking import RescheduleAppointment
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
    """Refuses `internal` what nobody has decided."""
    for message in messages:
        if message.is_first_step:
            _refuse(unit, decisions, message, message.failed)
        else:
            _tell_of_step(decisions, message, message.failed)


async def fail_own(unit: Unit, message: Message) -> None:
    """What booking does about a command, or a step of one, that it could not process itself. A registry's event is neither."""
    if isinstance(message, RegistryMessage):
        return
    decisions = await Decisions.read(unit, [message])
    if isinstance(message, SlotReserved) and decisions.of(message) is None:
        Desk(unit, decisions).refuse(message, Code.INTERNAL)
    elif isinstance(message, BookingRefused):
        _refuse(unit, decisions, message, command_of(message).__name__)
    elif isinstance(message, SlotKept):
        _refuse(unit, decisions, message, RescheduleAppointment.__name__)
    elif message.is_command:
        _refuse(unit, decisions, message, message.type)
    else:
        _tell_of_step(decisions, message, message.type)
    await decisions.store()


def _refuse(unit: Unit, decisions: Decisions, cause: Message, command: str) -> None:
    """The end of a command, unless it has one."""
    if decisions.of(cause) is None:
        decisions.decide_named(unit, cause, command, INTERNAL, settled=True)


def _tell_of_step(decisions: Decisions, cause: Message, failed: str) -> None:
    """A later step changes no decision. Somebody has to know if a client still waits for it."""
    outcome = decisions.of(cause)
    if outcome is not None and outcome.settled_at is None:
        STEPS_FAILED.labels(type=failed if failed in KNOWN_TYPES else "unknown").inc()
        log.error("step_failed", type=failed, command_id=str(cause.command_id), correlation_id=cause.correlation_id)
