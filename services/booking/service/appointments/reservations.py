"""Reservations that become no appointment: refused, released, or asked about by availability. Used by bookings and moves."""

from services.booking.domain.appointments import Appointment
from services.booking.domain.patient_calendar import Collision
from services.booking.service.appointments.batch import BookingBatch
from services.booking.service.appointments.events import emit_declined, emit_kept, emit_refused, emit_released
from services.booking.service.outcomes.decisions import Decisions
from services.booking.service.outcomes.repeats import answer_to
from shared.contracts.availability import BookingRefused, ReservationQuestioned, SlotKept, SlotReserved
from shared.contracts.booking import BookAppointment, RescheduleAppointment
from shared.contracts.commands import Answer
from shared.contracts.problems import Code
from shared.contracts.versions import Version
from shared.infra.unit import Unit

ONE_A_DAY = "one_booking_per_patient_day"
"""The setting of the clinic by which a day may be refused, not a time of it."""


def command_of(message: SlotReserved | SlotKept | BookingRefused | ReservationQuestioned) -> str:
    """The type of the command that availability's message carries on."""
    moves = isinstance(message, SlotKept) or message.purpose.moves
    return RescheduleAppointment.__name__ if moves else BookAppointment.__name__


def refuse_reservation(unit: Unit, decisions: Decisions, reserved: SlotReserved, answer: Answer) -> None:
    """Decides that the reservation's command is refused. It is settled and answered once availability has freed the slot."""
    decisions.decide(unit, reserved, command_of(reserved), answer, settled=False)
    emit_refused(unit, reserved, answer)


def refuse_busy(batch: BookingBatch, reserved: SlotReserved, wanted: Appointment, collision: Collision) -> None:
    """Refuses a reservation at which the patient is elsewhere, or has another one asked for where any place of the day would do.

    The latter ends: the next place that availability takes is at none of the times that it is told.
    """
    understood = batch.unit.oldest_version is not Version.BEFORE
    if understood and reserved.of_day and not collision.same_day:
        emit_declined(batch.unit, reserved, batch.calendar.busy_times(wanted))
        return
    refuse_reservation(batch.unit, batch.decisions, reserved, readable(batch.unit, busy_answer(collision)))


def readable(unit: Unit, refusal: Answer) -> Answer:
    """The refusal as it can be stored. The version before takes what a refusal names for an appointment."""
    return refusal if unit.oldest_version is not Version.BEFORE else refusal.model_copy(update={"result": None})


def busy_answer(collision: Collision) -> Answer:
    """The refusal that names what is in the way, and by which rule if the time alone is not it."""
    rule = {"rule": ONE_A_DAY} if collision.same_day else {}
    return Answer.refusal(Code.PATIENT_BUSY, {"appointment_id": str(collision.other.id), **rule})


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
