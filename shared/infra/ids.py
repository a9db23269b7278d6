"""How ids are made: uuid7 for rows and messages, uuid5 for what must come out the same when it is asked for again."""

from collections.abc import Callable
from uuid import UUID, uuid5

from uuid_utils.compat import uuid7

COMMANDS = UUID("6f1d5a52-6d4e-5c1b-9f0a-0d5c9c5b7a11")
"""The namespace of command ids. Changing it would make every stored idempotency key new."""

NewId = Callable[[], UUID]
"""What makes an id for a row or a message. Handed in, so that a simulation can hand in another."""
new_id: NewId = uuid7
"""What every process hands in: uuid7, whose ids are in the order in which they were made."""


def command_id(clinic_id: UUID, principal: str, operation: str, key: str | None) -> UUID:
    """The id of a client's command: the same for the same key of one principal and operation, random without a key."""
    return uuid7() if key is None else uuid5(COMMANDS, "\x1f".join((str(clinic_id), principal, operation, key)))


def message_id(command: UUID, message_type: str) -> UUID:
    """The message id of a client's command: a repeat has the same, whatever day it names."""
    return uuid5(command, message_type)
