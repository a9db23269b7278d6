"""Kafka in: what booking does with each message. The order of a mixed batch is the order of the tables, repeats come last.

Settings first, because bookings are judged by them; settlements before repeats, so that a repeat finds a settled outcome;
bookings before commands, because patients are locked before appointments. Called by the consumer, in the batch's transaction.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from services.booking.service.appointments.bookings import decide_bookings
from services.booking.service.appointments.commands import decide_commands
from services.booking.service.appointments.revocations import cancel_revoked
from services.booking.service.outcomes.decisions import Decisions
from services.booking.service.outcomes.failures import refuse_failed
from services.booking.service.outcomes.repeats import answer_repeats
from services.booking.service.outcomes.settle import settle
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import CancelAppointment, CheckInPatient, ConfirmAppointment
from shared.contracts.commands import CommandFailed, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.contracts.registry import ClinicChanged, DoctorChanged, PatientChanged
from shared.infra import clinic_settings
from shared.infra.inbox import Admitted
from shared.infra.kafka.consumer import Handler
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit

FOLLOWING: dict[type[Message], Callable[[Unit, Any], Awaitable[object]]] = {
    ClinicChanged: clinic_settings.follow,
    SlotFreed: settle,
    PatientQueued: settle,
}
"""Takes over what another service has decided or done."""
DECIDING: dict[type[Message], Callable[[Unit, Decisions, Any], Awaitable[None]]] = {
    SlotReserved: decide_bookings,
    SlotKept: decide_bookings,
    BookingRefused: decide_bookings,
    ReservationQuestioned: decide_bookings,
    CancelAppointment: decide_commands,
    CheckInPatient: decide_commands,
    ConfirmAppointment: decide_commands,
    CommandFailed: refuse_failed,
}
"""Decides commands: each has one outcome, whichever of these messages comes first."""
IGNORED: frozenset[type[Message]] = frozenset((DoctorChanged, PatientChanged))
"""Doctors are availability's to judge, patients are our own."""


async def handle(unit: Unit, admitted: Admitted) -> None:
    """The effect of one batch."""
    for follow, messages in _steps(FOLLOWING, admitted.fresh):
        await follow(unit, messages)
    repeats = [message for message in admitted.fresh if isinstance(message, CommandRepeated)] + admitted.repeats
    revoked = [message for message in admitted.fresh if isinstance(message, SlotRevoked)]
    asked = [message for message in admitted.fresh if type(message) in DECIDING] + repeats
    decisions = await Decisions.read(unit, asked, revoked)
    for decide, messages in _steps(DECIDING, admitted.fresh):
        await decide(unit, decisions, messages)
    # Behind the bookings: a reservation may be made and revoked in one batch.
    if revoked:
        await cancel_revoked(unit, revoked)
    answer_repeats(unit, decisions, repeats)
    await decisions.store(unit.connection)


def _steps(
    table: Mapping[type[Message], Callable[..., Awaitable[object]]], messages: Sequence[Message]
) -> Iterator[tuple[Callable[..., Awaitable[object]], list[Message]]]:
    """Each step of a table that has something to do, with its messages in the order of their arrival."""
    for step in dict.fromkeys(table.values()):
        ours = [message for message in messages if table.get(type(message)) is step]
        if ours:
            yield step, ours


def make_handler(_runtime: Runtime) -> Handler:
    """What the consumer of a process calls with each batch. Booking needs nothing of the process beside its unit."""
    return handle
