"""The outcomes of one batch: those that its commands have already, and those that it decides. A decided outcome never changes.

A message whose command has an outcome, a repeat or one that comes again under another id, is answered from it (`repeats.py`) and
has no other effect.
"""

from collections.abc import Iterable
from typing import Self
from uuid import UUID

from pydantic import BaseModel

from services.booking.domain.keys import RowKey
from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.commands import Answer, Outcome
from shared.contracts.envelope import AppointmentMessage, Message
from shared.infra import outcomes
from shared.infra.audit import Action
from shared.infra.postgres import Connection
from shared.infra.unit import Unit


class Decisions:
    """Read before anything is decided, added to by each decision, stored at the batch's end."""

    def __init__(self, known: dict[tuple[UUID, UUID], Outcome], named_appointments: frozenset[RowKey]) -> None:
        self.named_appointments = named_appointments
        """The appointments that the batch's moves, commands and revoked slots name. A step that locks one locks them all."""
        self._known = known
        """By clinic and command id."""
        self._made: list[Outcome] = []

    @classmethod
    async def read(cls, unit: Unit, messages: Iterable[Message], revoked: Iterable[SlotRevoked] = ()) -> Self:
        """Reads the outcomes that the messages' commands have. Revoked slots belong to no command."""
        asked: set[tuple[UUID, UUID]] = set()
        named = {(message.clinic_id, message.appointment_id) for message in revoked}
        for message in messages:
            if message.command_id:
                asked.add((message.clinic_id, message.command_id))
            if appointment_id := _appointment_id(message):
                named.add((message.clinic_id, appointment_id))
        return cls(await outcomes.look(unit.connection, asked) if asked else {}, frozenset(named))

    def of(self, message: Message) -> Outcome | None:
        """The outcome of the message's command, if it has one."""
        return self._known.get((message.clinic_id, message.command_id)) if message.command_id else None

    def decide(self, unit: Unit, cause: Message, command: str, answer: Answer, *, settled: bool) -> None:
        """Decides the command that `cause` carries on, at the unit's time; `command` is its type.

        One that is settled at once is answered at once; any other is answered by the service that takes its last step.
        """
        outcome = outcomes.outcome_of(cause, command, answer, unit.now, settled=settled)
        self._known[outcome.clinic_id, outcome.command_id] = outcome
        self._made.append(outcome)
        if not answer.succeeded:
            unit.record(cause, Action.COMMAND_REFUSED, outcome.command_id, code=answer.code, type=outcome.type)
        if settled:
            unit.reply(cause, answer)

    async def store(self, connection: Connection) -> None:
        """Writes what was decided."""
        if self._made:
            await outcomes.decide(connection, self._made)


def success(view: BaseModel, status_code: int) -> Answer:
    """The answer of a command that succeeded: what its client reads then."""
    return Answer(status_code=status_code, result=view.model_dump(mode="json"))


def _appointment_id(message: Message) -> UUID | None:
    """The appointment that a message acts on, if it was there before."""
    if isinstance(message, SlotReserved | BookingRefused):
        return message.appointment_id if message.purpose.moves else None
    return message.appointment_id if isinstance(message, SlotKept | AppointmentMessage) else None
