"""Kafka in: which use case each message type of the consumed topics calls, and in which order within a batch.

Called by the consumer inside the transaction of a batch. Messages of one type keep their order of arrival.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from services.queue import service
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReassigned,
    AppointmentRefused,
    PatientCheckedIn,
    ReservationDeclined,
    ReservationKept,
    SlotReleased,
)
from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.registry import ClinicChanged, DoctorChanged, PatientChanged
from shared.infra import clinic_settings
from shared.infra.inbox import Admitted
from shared.infra.kafka.consumer import Handler
from shared.infra.runtime import Runtime
from shared.infra.unit import Unit

UseCase = Callable[[Unit, list[Any]], Awaitable[object]]

HANDLERS: dict[type[Message], UseCase] = {
    ClinicChanged: clinic_settings.follow,
    PatientCheckedIn: service.queue_patients,
    AppointmentReassigned: service.reassign,
    # Last: the repeat of a check-in finds the entry that the same batch has made.
    CommandRepeated: service.answer_again,
}
"""The use case of each type, in the order in which a mixed batch is processed."""

IGNORED: frozenset[type[Message]] = frozenset(
    {
        AppointmentBooked,
        AppointmentCancelled,
        AppointmentConfirmed,
        AppointmentExpired,
        AppointmentMoved,
        AppointmentRefused,
        ReservationDeclined,
        ReservationKept,
        SlotReleased,
        DoctorChanged,
        PatientChanged,
    }
)
"""What others emit on the same topics. A checked-in appointment can be neither cancelled nor moved: neither concerns a queue."""


def make_handler(_runtime: Runtime) -> Handler:
    """The batch function of one process; the queue needs nothing of the process beside the unit."""
    return handle


async def handle(unit: Unit, admitted: Admitted) -> None:
    """Gives each use case its messages of the batch. Nothing is a repeated command: `queue.commands` has no types yet."""
    for kind, use_case in HANDLERS.items():
        messages = [message for message in admitted.fresh if type(message) is kind]
        if messages:
            await use_case(unit, messages)
