"""The envelope, version 1: what every message on Kafka carries beside its own fields.

A message holds ids and codes only, never a name, a phone number or free text of a patient. Evolution is additive: a reader
ignores fields that it does not know and refuses a version that it does not know.
"""

from datetime import date, datetime
from typing import ClassVar, Literal, TypedDict
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

SIGNATURE_HEADER = "frontdesk-signature"
"""Reserved: the hex HMAC over the canonical envelope, filled by the security work. ASCII, because headers are decoded as text."""


class Wire(BaseModel):
    """A shape on the wire: immutable, tolerant of fields that a newer writer added."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Message(Wire):
    """One message. Subclasses add `type` (their name) and their fields, and say by `key` which order they keep.

    `message_id` is the inbox key in every service, `command_id` names the outcome, `version` orders copies of state.
    """

    guarded: ClassVar[bool] = True
    """Whether the inbox admits it once only. An unguarded one asks for an answer, or for what is the same if done twice."""
    is_command: ClassVar[bool] = False
    """Whether it is a client's command: its repeats are answered, and an unknown type beside it is malformed."""

    v: Literal[1] = 1
    type: str
    message_id: UUID
    clinic_id: UUID
    correlation_id: str = Field(max_length=64)
    causation_id: UUID | None = None
    command_id: UUID | None = None
    actor: str = Field(max_length=64)
    principal: str | None = Field(default=None, max_length=64)
    body_hash: str | None = Field(default=None, max_length=64)
    occurred_at: datetime
    accepted_at: datetime | None = None
    decide_by: datetime | None = None
    version: int | None = None
    reply_partition: int | None = None

    @property
    def key(self) -> bytes:
        """The Kafka key: messages of one key are kept in order."""
        raise NotImplementedError


class _Envelope(TypedDict):
    """The fields of `Message` but for `type`, `version` and what names its command."""

    message_id: UUID
    clinic_id: UUID
    correlation_id: str
    causation_id: UUID | None
    actor: str
    occurred_at: datetime
    reply_partition: int | None


class Envelope(_Envelope):
    """The envelope of a message, as keyword arguments of its class: `SlotFreed(**envelope, doctor_id=…)` is checked by mypy."""

    command_id: UUID | None
    principal: str | None
    body_hash: str | None
    accepted_at: datetime | None
    decide_by: datetime | None


class CommandEnvelope(_Envelope):
    """The envelope of a client's command, which has an id, a principal and a deadline for certain."""

    command_id: UUID
    principal: str
    body_hash: str
    accepted_at: datetime
    decide_by: datetime


def following(cause: Message, *, message_id: UUID, occurred_at: datetime) -> Envelope:
    """The envelope of what follows from `cause`: it inherits clinic, command, correlation, deadline and reply address."""
    return Envelope(
        message_id=message_id,
        clinic_id=cause.clinic_id,
        correlation_id=cause.correlation_id,
        causation_id=cause.message_id,
        command_id=cause.command_id,
        actor=cause.actor,
        principal=cause.principal,
        body_hash=cause.body_hash,
        occurred_at=occurred_at,
        accepted_at=cause.accepted_at,
        decide_by=cause.decide_by,
        reply_partition=cause.reply_partition,
    )


def day_key(clinic_id: UUID, doctor_id: UUID, day: date) -> bytes:
    """The key of everything that happens on one doctor's day: `clinic:doctor:date`."""
    return f"{clinic_id}:{doctor_id}:{day.isoformat()}".encode()


class DayMessage(Message):
    """A message about one doctor's day, in the order of that day."""

    doctor_id: UUID
    date: date

    @property
    def key(self) -> bytes:
        return day_key(self.clinic_id, self.doctor_id, self.date)


class ClientCommand(Message):
    """What a client asks for: all that names it, its client and its deadline is there."""

    is_command: ClassVar[bool] = True
    command_id: UUID
    principal: str
    body_hash: str
    accepted_at: datetime
    decide_by: datetime


class AppointmentMessage(Message):
    """A command about one appointment, in the order of that appointment."""

    appointment_id: UUID

    @property
    def key(self) -> bytes:
        return f"{self.clinic_id}:{self.appointment_id}".encode()


class RegistryMessage(Message):
    """A change of one registry entity, keyed so that compaction keeps each entity's last state."""

    kind: ClassVar[str]
    version: int

    @property
    def entity_id(self) -> UUID:
        """The id of the entity that changed."""
        raise NotImplementedError

    @property
    def key(self) -> bytes:
        return f"{self.clinic_id}:{self.kind}:{self.entity_id}".encode()
