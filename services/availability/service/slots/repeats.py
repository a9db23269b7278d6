"""Commands that came again: booking, which keeps the outcomes, is told, and hands back what is ours to answer.

Called by `handlers.py`.
"""

from collections.abc import Sequence

from shared.contracts.commands import CommandRepeated
from shared.contracts.envelope import DayMessage
from shared.contracts.topics import AVAILABILITY_EVENTS
from shared.infra.unit import Unit


def answer_again(unit: Unit, repeated: Sequence[CommandRepeated]) -> None:
    """Answers repeated commands whose last step was ours; those without an answer or with a queue entry are not."""
    for message in repeated:
        if message.answer is not None and message.appointment_id is None:
            unit.reply(message, message.answer, replayed=True)


def tell_booking(unit: Unit, repeats: Sequence[DayMessage]) -> None:
    """Tells booking that these commands came again, behind what their first arrival caused."""
    for command in repeats:
        repeated = CommandRepeated(**unit.envelope(command), doctor_id=command.doctor_id, date=command.date)
        unit.emit(AVAILABILITY_EVENTS, repeated)
