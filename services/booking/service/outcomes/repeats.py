"""Repeats: a command that comes again is answered from its outcome. One that nobody has decided is answered when it is."""

import datetime as dt
from collections.abc import Sequence
from uuid import UUID

from services.booking.service.outcomes.decisions import Decisions
from shared.contracts.booking import CheckInPatient, RescheduleAppointment
from shared.contracts.commands import Answer, CommandRepeated, Outcome
from shared.contracts.envelope import DayMessage, Message
from shared.contracts.problems import Code
from shared.contracts.topics import APPOINTMENT_EVENTS
from shared.infra.unit import Unit


def answer_repeats(unit: Unit, decisions: Decisions, messages: Sequence[Message]) -> None:
    """Answers the repeats among these messages whose commands are decided. Called by `handlers.py`."""
    for message in messages:
        outcome = decisions.of(message)
        if outcome:
            answer_repeat(unit, message, outcome)


def answer_repeat(unit: Unit, message: Message, outcome: Outcome) -> None:
    """Answers a repeat whose outcome is settled; any other it hands to the service that takes the last step.

    A move is answered on the key of the old day, which its outcome does not name: the gateway looks the outcome up instead.
    """
    if outcome.body_hash != message.body_hash:
        unit.reply(message, answer_to(message, outcome))
    elif outcome.settled_at:
        unit.reply(message, outcome.answer, replayed=True)
    elif outcome.type != RescheduleAppointment.__name__ or not outcome.answer.succeeded:
        _emit_repeated(unit, message, outcome)


def answer_to(message: Message, outcome: Outcome) -> Answer:
    """What the client of a message is answered that meets an outcome: the outcome's answer, or `key_reused`.

    A command that was closed or failed before it arrived has no inbox row to compare bodies with: they are compared here.
    """
    return outcome.answer if outcome.body_hash == message.body_hash else Answer.refusal(Code.KEY_REUSED)


def _emit_repeated(unit: Unit, message: Message, outcome: Outcome) -> None:
    appointment = (outcome.answer.result or {}).get("id") if outcome.type == CheckInPatient.__name__ else None
    doctor_id, date = _day_of(message, outcome)
    repeated = CommandRepeated(
        **unit.envelope(message),
        doctor_id=doctor_id,
        date=date,
        answer=outcome.answer,
        appointment_id=UUID(appointment) if appointment else None,
    )
    unit.emit(APPOINTMENT_EVENTS, repeated)


def _day_of(message: Message, outcome: Outcome) -> tuple[UUID, dt.date]:
    """The doctor's day of a command: that of its result, or, for a refused one, the one that its message names."""
    if outcome.answer.succeeded and outcome.answer.result:
        return UUID(outcome.answer.result["doctor_id"]), dt.date.fromisoformat(outcome.answer.result["date"])
    assert isinstance(message, DayMessage)
    return message.doctor_id, message.date
