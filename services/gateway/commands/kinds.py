"""All kinds of commands that a client can send: the operation of the API, the message that carries it, the topic it goes to."""

from dataclasses import dataclass

from shared.contracts.booking import (
    BookAppointment,
    CancelAppointment,
    CheckInPatient,
    ConfirmAppointment,
    RescheduleAppointment,
)
from shared.contracts.envelope import ClientCommand
from shared.contracts.topics import APPOINTMENT_COMMANDS, BOOKING_COMMANDS, Topic


@dataclass(frozen=True)
class CommandKind:
    """A kind of command. `operation` is the scope of its idempotency keys: one key may be used once in each operation."""

    operation: str
    message: type[ClientCommand]
    topic: Topic


BOOK = CommandKind("create_appointment", BookAppointment, BOOKING_COMMANDS)
MOVE = CommandKind("reschedule_appointment", RescheduleAppointment, BOOKING_COMMANDS)
CONFIRM = CommandKind("confirm_appointment", ConfirmAppointment, APPOINTMENT_COMMANDS)
CANCEL = CommandKind("cancel_appointment", CancelAppointment, APPOINTMENT_COMMANDS)
CHECK_IN = CommandKind("create_checkin", CheckInPatient, APPOINTMENT_COMMANDS)

KINDS = (BOOK, MOVE, CONFIRM, CANCEL, CHECK_IN)
