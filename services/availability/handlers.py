"""Kafka in: which use case each message of the consumed topics calls, and in which order within a batch.

A mixed batch goes: clinics' settings, then slots released, then slots reserved, then acknowledgements, then repeats, so that
an answer to a repeat stands behind what its command caused. Messages of one kind keep their order of arrival.
"""

from collections.abc import Sequence
from typing import TypeVar

from services.availability.repository.calendar import generation_timers
from services.availability.service.slots.acknowledgements import acknowledge
from services.availability.service.slots.batch import SlotBatch, change_slots
from services.availability.service.slots.repeats import answer_again, tell_booking
from services.availability.settings import QUESTION_AFTER_SECONDS
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReassigned,
    PatientCheckedIn,
    ReservationKept,
)
from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.registry import ClinicChanged, DoctorChanged, PatientChanged
from shared.infra import clinic_settings
from shared.infra.inbox import Admitted
from shared.infra.kafka.consumer import Handler
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit

M = TypeVar("M", bound=Message)

IGNORED: frozenset[type[Message]] = frozenset(
    {
        AppointmentConfirmed,
        AppointmentExpired,
        AppointmentCancelled,
        AppointmentReassigned,
        PatientCheckedIn,
        DoctorChanged,
        PatientChanged,
    }
)
"""What others, or we ourselves, emit on the same topics and what asks nothing of a slot."""


def make_handler(runtime: Runtime, question_after_seconds: float = QUESTION_AFTER_SECONDS) -> Handler:
    """The batch function of one process. Its day locks keep processes from colliding; what excludes are the rows."""

    async def handle(unit: Unit, admitted: Admitted) -> None:
        batch = SlotBatch.of(admitted.fresh)
        changes = only(admitted.fresh, ClinicChanged)
        changed = await clinic_settings.follow(unit, changes) if changes else set()
        if days := batch.days:
            async with runtime.locks.hold([day.lock_name for day in days]):
                await change_slots(unit, batch, question_after_seconds)
        if changes:  # behind the other locks of the batch
            await generation_timers.make_clinics_due(unit.connection, changed)
        await acknowledge(unit, only(admitted.fresh, AppointmentBooked, AppointmentMoved, ReservationKept))
        answer_again(unit, only(admitted.fresh, CommandRepeated))
        tell_booking(unit, only(admitted.repeats, DayMessage))

    return handle


def only(messages: Sequence[Message], *kinds: type[M]) -> list[M]:
    """The messages of these kinds, in order of arrival."""
    return [message for message in messages if isinstance(message, kinds)]
