"""Every topic: its name, what is said on it, who reads it, how long it is kept. One command makes them; brokers never do."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotFreed, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import (
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentConfirmed,
    AppointmentExpired,
    AppointmentMoved,
    AppointmentReassigned,
    AppointmentRefused,
    BookAppointment,
    CancelAppointment,
    CheckInPatient,
    ConfirmAppointment,
    PatientCheckedIn,
    RescheduleAppointment,
    ReservationDeclined,
    ReservationKept,
    SlotReleased,
)
from shared.contracts.commands import CommandAnswered, CommandFailed, CommandRepeated
from shared.contracts.envelope import Message
from shared.contracts.queue import PatientQueued
from shared.contracts.registry import ClinicChanged, DoctorChanged, PatientChanged

DAY_MS = 86_400_000
PARTITIONS = 12
"""Every topic has as many from the first day: keys never move."""
MAX_MESSAGE_BYTES = 256 * 1024
"""What we read of one record; anything larger is malformed."""
MAX_RECORD_BYTES = 4 * 1024 * 1024
"""What the broker takes, so that an oversized record reaches its reader and is dead-lettered where it can be seen."""


@dataclass(frozen=True)
class Topic:
    """One topic. `key` is the rule of its keys in words; `groups` are the services that consume it."""

    name: str
    key: str
    messages: tuple[type[Message], ...]
    groups: tuple[str, ...]
    commands: bool = False
    retention_ms: int = 14 * DAY_MS
    cleanup: Literal["delete", "compact"] = "delete"
    partitions: int = PARTITIONS
    max_message_bytes: int = MAX_RECORD_BYTES

    def dead_letters(self, group: str) -> str:
        """The name of the topic that takes what `group` could not process of this one."""
        return f"{self.name}.{group}.dlq"

    @property
    def types(self) -> dict[str, type[Message]]:
        """The messages of this topic by the name of their type."""
        return {message.__name__: message for message in self.messages}


BOOKING_COMMANDS = Topic(
    "booking.commands", "clinic:doctor:date", (BookAppointment, RescheduleAppointment), ("availability",), commands=True
)
APPOINTMENT_COMMANDS = Topic(
    "appointment.commands",
    "clinic:appointment",
    (ConfirmAppointment, CancelAppointment, CheckInPatient),
    ("booking",),
    commands=True,
)
QUEUE_COMMANDS = Topic("queue.commands", "clinic:doctor:date", (), ("queue",), commands=True)
AVAILABILITY_EVENTS = Topic(
    "availability.events",
    "clinic:doctor:date",
    (SlotReserved, SlotKept, BookingRefused, ReservationQuestioned, SlotRevoked, SlotFreed, CommandRepeated, CommandFailed),
    ("booking",),
)
APPOINTMENT_EVENTS = Topic(
    "appointment.events",
    "clinic:doctor:date",
    (
        AppointmentBooked,
        AppointmentRefused,
        ReservationDeclined,
        AppointmentConfirmed,
        AppointmentExpired,
        AppointmentMoved,
        AppointmentCancelled,
        AppointmentReassigned,
        ReservationKept,
        SlotReleased,
        PatientCheckedIn,
        CommandRepeated,
    ),
    ("availability", "queue"),
)
QUEUE_EVENTS = Topic("queue.events", "clinic:doctor:date", (PatientQueued, CommandFailed), ("booking",))
REGISTRY_EVENTS = Topic(
    "registry.events",
    "clinic:kind:id",
    (ClinicChanged, DoctorChanged, PatientChanged),
    ("availability", "booking", "queue"),
    cleanup="compact",
)
GATEWAY_REPLIES = Topic(
    "gateway.replies", "explicit partition of the waiting gateway", (CommandAnswered,), ("gateway",), retention_ms=600_000
)

ALL_TOPICS = (
    BOOKING_COMMANDS,
    APPOINTMENT_COMMANDS,
    QUEUE_COMMANDS,
    AVAILABILITY_EVENTS,
    APPOINTMENT_EVENTS,
    QUEUE_EVENTS,
    REGISTRY_EVENTS,
    GATEWAY_REPLIES,
)


def consumed_by(group: str) -> tuple[Topic, ...]:
    """The topics that a service reads."""
    return tuple(topic for topic in ALL_TOPICS if group in topic.groups)


def dead_letter_topics() -> Iterator[Topic]:
    """A dead-letter topic for each topic and group whose loss would matter: all but replies."""
    for topic in ALL_TOPICS:
        for group in topic.groups if topic is not GATEWAY_REPLIES else ():
            yield Topic(
                topic.dead_letters(group), topic.key, (), (), retention_ms=30 * DAY_MS, max_message_bytes=2 * MAX_RECORD_BYTES
            )


def redrive_topic(group: str) -> Topic:
    """What brings dead letters back to one group only, whatever other groups read their source topic.

    A record says in its headers from which topic it first came. Kept as long as dead letters: it tells which were redriven.
    """
    return Topic(
        f"{group}.redrive",
        "that of the dead letter",
        (),
        (group,),
        retention_ms=30 * DAY_MS,
        max_message_bytes=2 * MAX_RECORD_BYTES,
    )


def redrive_topics() -> Iterator[Topic]:
    """The redrive topic of each group that has dead letters."""
    groups = (group for topic in ALL_TOPICS if topic is not GATEWAY_REPLIES for group in topic.groups)
    yield from map(redrive_topic, dict.fromkeys(groups))
