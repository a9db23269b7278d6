"""The outcomes of one batch: those that exist when it decides, and those it decides. A decided outcome never changes.

Whatever meets an outcome, a repeat or a message that comes again under another id, is answered from it and has no other effect.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Self
from uuid import UUID

from shared.contracts.availability import BookingRefused, SlotKept, SlotReserved, SlotRevoked
from shared.contracts.booking import BookAppointment, CancelAppointment, CheckInPatient, ConfirmAppointment, RescheduleAppointment
from shared.contracts.commands import Answer, CommandRepeated, Outcome
from shared.contracts.envelope import AppointmentMessage, DayMessage, Message
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra import outcomes
from shared.infra.audit import Action
from shared.infra.unit import Unit

Command = (
    type[BookAppointment]
    | type[RescheduleAppointment]
    | type[ConfirmAppointment]
    | type[CancelAppointment]
    | type[CheckInPatient]
)


class Decisions:
    """Asked before anything is decided, told of everything that is, stored at the batch's end."""

    def __init__(self, unit: Unit, known: dict[tuple[UUID, UUID], Outcome], appointments: frozenset[tuple[UUID, UUID]]) -> None:
        self.appointments = appointments
        """Those that the batch's moves, commands and revoked slots name: whoever locks some of them first locks all at once."""
        self._unit = unit
        self._known = known
        self._made: list[Outcome] = []

    @classmethod
    async def read(cls, unit: Unit, messages: Iterable[Message], revoked: Iterable[SlotRevoked] = ()) -> Self:
        """What is decided already of the messages' commands. Slots that are revoked are no command's."""
        asked: set[tuple[UUID, UUID]] = set()
        named = {(message.clinic_id, message.appointment_id) for message in revoked}
        for message in messages:
            if message.command_id:
                asked.add((message.clinic_id, message.command_id))
            if appointment_id := _named(message):
                named.add((message.clinic_id, appointment_id))
        return cls(unit, await outcomes.look(unit.connection, asked) if asked else {}, frozenset(named))

    def of(self, message: Message) -> Outcome | None:
        """The outcome of the message's command, if it has one."""
        return self._known.get((message.clinic_id, message.command_id)) if message.command_id else None

    def decide(self, unit: Unit, cause: Message, command: Command, answer: Answer, *, settled: bool) -> None:
        """Decides the command that `cause` carries on, at the unit's time. One that is settled here is answered here."""
        self.decide_named(unit, cause, command.__name__, answer, settled=settled)

    def decide_named(self, unit: Unit, cause: Message, command: str, answer: Answer, *, settled: bool) -> None:
        """As `decide`, of a command whose type is only known by its name."""
        outcome = outcomes.outcome_of(cause, command, answer, unit.now, settled=settled)
        self._known[outcome.clinic_id, outcome.command_id] = outcome
        self._made.append(outcome)
        if not answer.succeeded:
            unit.record(cause, Action.COMMAND_REFUSED, outcome.command_id, code=answer.code, type=outcome.type)
        if settled:
            unit.reply(cause, answer)

    def answer_again(self, message: Message, outcome: Outcome) -> None:
        """Answers a repeat, or hands it to the service that replies last.

        Who moved an appointment is answered by the service of the old day, which nobody knows any more: its gateway looks again.
        """
        if outcome.body_hash != message.body_hash:
            self._unit.reply(message, answer_to(message, outcome))
        elif outcome.settled_at:
            self._unit.reply(message, outcome.answer, replayed=True)
        elif outcome.type != RescheduleAppointment.__name__ or not outcome.answer.succeeded:
            self._pass_on(message, outcome)

    def _pass_on(self, message: Message, outcome: Outcome) -> None:
        appointment = (outcome.answer.result or {}).get("id") if outcome.type == CheckInPatient.__name__ else None
        doctor_id, date = _day(message, outcome)
        repeated = CommandRepeated(
            **self._unit.envelope(message),
            doctor_id=doctor_id,
            date=date,
            answer=outcome.answer,
            appointment_id=UUID(appointment) if appointment else None,
        )
        self._unit.emit(APPOINTMENT_EVENTS, repeated)

    async def store(self) -> None:
        """Writes what was decided."""
        if self._made:
            await outcomes.decide(self._unit.connection, self._made)


def answer_to(message: Message, outcome: Outcome) -> Answer:
    """What a message's client hears of the outcome that its command has.

    A command that ended before it arrived, lost or failed, has no inbox row that knows its key: another body is found out here.
    """
    return outcome.answer if outcome.body_hash == message.body_hash else Answer.refusal(Code.KEY_REUSED)


def _named(message: Message) -> UUID | None:
    """The appointment that a message acts on, if it was there before."""
    if isinstance(message, SlotReserved | BookingRefused):
        return message.appointment_id if message.purpose.moves else None
    return message.appointment_id if isinstance(message, SlotKept | AppointmentMessage) else None


def _day(message: Message, outcome: Outcome) -> tuple[UUID, dt.date]:
    """The doctor's day of a command: its result's, or, for a refused booking, the one its message names."""
    if outcome.answer.result:
        return UUID(outcome.answer.result["doctor_id"]), dt.date.fromisoformat(outcome.answer.result["date"])
    assert isinstance(message, DayMessage)
    return message.doctor_id, message.date
