"""Commands that could not be carried on: they, or a step of them, became dead letters. Booking keeps their outcomes and says so.

Other services tell by `CommandFailed`; what booking itself could not process it refuses directly, in a transaction of its own.
"""

from collections.abc import Sequence

import structlog

from services.booking.service.bookings import Desk
from services.booking.service.decisions import Decisions
from shared.contracts.availability import BookingRefused, SlotReserved
from shared.contracts.booking import BookAppointment
from shared.contracts.commands import Answer, CommandFailed
from shared.contracts.envelope import Message, RegistryMessage
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS
from shared.infra.metrics import STEPS_FAILED
from shared.infra.unit import Unit

log = structlog.get_logger()

COMMANDS = frozenset([*APPOINTMENT_COMMANDS.types, *BOOKING_COMMANDS.types])


async def refuse_failed(_unit: Unit, decisions: Decisions, messages: Sequence[CommandFailed]) -> None:
    """Refuses `internal` what nobody has decided. A later step of a decided command leaves it as it is, with an alarm."""
    for message in messages:
        _refuse(decisions, message, message.failed)


async def fail_own(unit: Unit, message: Message) -> None:
    """What booking does about a command, or a step of one, that it could not process itself. A registry's event is neither."""
    if isinstance(message, RegistryMessage):
        return
    decisions = await Decisions.read(unit, [message])
    if isinstance(message, SlotReserved) and decisions.of(message) is None:
        Desk(unit, decisions, active={}, held=set()).refuse(message, Code.INTERNAL)
    else:
        _refuse(decisions, message, BookAppointment.__name__ if isinstance(message, BookingRefused) else message.type)
    await decisions.store()


def _refuse(decisions: Decisions, cause: Message, failed: str) -> None:
    if failed in COMMANDS and decisions.of(cause) is None:
        decisions.decide_named(cause, failed, Answer.refusal(Code.INTERNAL), settled=True)
        return
    STEPS_FAILED.labels(type=failed).inc()
    log.error("step_failed", type=failed, command_id=str(cause.command_id), correlation_id=cause.correlation_id)
