"""Reservations that become no appointment: refused, released, or asked about by availability. Used by bookings and moves."""

from services.booking.service.appointments.events import emit_kept, emit_refused, emit_released
from services.booking.service.outcomes.decisions import Decisions
from services.booking.service.outcomes.repeats import answer_to
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.contracts.booking import BookAppointment, RescheduleAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.infra.unit import Unit


def command_of(message: SlotReserved | SlotKept | BookingRefused | ReservationQuestioned) -> str:
    """The type of the command that availability's message carries on."""
    moves = isinstance(message, SlotKept) or message.purpose.moves
    return RescheduleAppointment.__name__ if moves else BookAppointment.__name__


def refuse_reservation(unit: Unit, decisions: Decisions, reserved: SlotReserved, code: Code) -> None:
    """Decides that the reservation's command is refused. It is settled and answered once availability has freed the slot."""
    answer = Answer.refusal(code)
    decisions.decide(unit, reserved, command_of(reserved), answer, settled=False)
    emit_refused(unit, reserved, answer)


def answer_question(unit: Unit, decisions: Decisions, questioned: ReservationQuestioned, *, held: bool) -> None:
    """Keeps a reservation that a live appointment holds, and releases any other: booking alone decides which it is.

    A command that nobody has decided by then is decided as `lost`: its `SlotReserved` never arrived.
    """
    if held:
        emit_kept(unit, questioned)
        return
    outcome = decisions.of(questioned)
    if outcome:
        answer = answer_to(questioned, outcome)
    else:
        answer = Answer.refusal(Code.LOST)
        decisions.decide(unit, questioned, command_of(questioned), answer, settled=False)
    emit_released(unit, questioned, questioned, answer)
